import { jitsuAnalytics } from "@jitsu/js";

const jitsu = jitsuAnalytics({ host: "https://collect.example", writeKey: "YOUR-KEY:any" });

await jitsu.setAnonymousId("anon-17");
await jitsu.page({ url: "https://shop.example/p/sku-1", title: "Shoe" });
await jitsu.track("Product Viewed", { product_id: "sku-1", price: 79.9 });
await jitsu.identify("u-17", { email: "pat@example.org", plan: "plus", age: 34 });
await jitsu.track("Product Added", { product_id: "sku-1", quantity: 2 });
await jitsu.track("Order Completed", {
  order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
});
