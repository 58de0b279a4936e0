import * as amplitude from "@amplitude/analytics-node";

await amplitude.init("YOUR-KEY", { serverUrl: "https://collect.example/2/httpapi" }).promise;

const before = { device_id: "anon-17" }, known = { user_id: "u-17", device_id: "anon-17" };
const page = { "[Amplitude] Page URL": "https://shop.example/p/sku-1", "[Amplitude] Page Title": "Shoe" };
amplitude.track("[Amplitude] Page Viewed", page, before);
amplitude.track("Product Viewed", { product_id: "sku-1", price: 79.9 }, before);
const traits = new amplitude.Identify();
traits.set("email", "pat@example.org").set("plan", "plus").set("age", 34);
amplitude.identify(traits, known);
amplitude.track("Product Added", { product_id: "sku-1", quantity: 2 }, known);
amplitude.track("Order Completed", {
  order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
}, known);
await amplitude.flush().promise;
