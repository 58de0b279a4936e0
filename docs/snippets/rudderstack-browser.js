import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const analytics = new RudderAnalytics();
analytics.load("YOUR-KEY", "https://collect.example", { configUrl: "https://collect.example" });

analytics.page();
analytics.track("Product Viewed", { product_id: "sku-1", name: "Shoe", price: 79.9 });
analytics.identify("u-17", { email: "pat@example.org", plan: "plus", age: 34 });
analytics.track("Product Added", { product_id: "sku-1", quantity: 2, price: 79.9 });
analytics.track("Order Completed", {
  order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
});
