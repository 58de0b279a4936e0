import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const analytics = new RudderAnalytics("YOUR-KEY", { dataPlaneUrl: "https://collect.example" });

const anonymousId = "anon-17";
analytics.page({ anonymousId, properties: { url: "https://shop.example/p/sku-1", title: "Shoe" } });
analytics.track({ anonymousId, event: "Product Viewed", properties: { product_id: "sku-1", price: 79.9 } });
analytics.identify({ anonymousId, userId: "u-17", traits: { email: "pat@example.org", plan: "plus", age: 34 } });
analytics.track({ userId: "u-17", event: "Product Added", properties: { product_id: "sku-1", quantity: 2 } });
analytics.track({
  userId: "u-17", event: "Order Completed",
  properties: {
    order_id: "o-1", revenue: 159.8, currency: "EUR",
    products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
  },
});
await analytics.flush();
