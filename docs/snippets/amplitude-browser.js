import * as amplitude from "@amplitude/analytics-browser";

amplitude.init("YOUR-KEY", {
  serverUrl: "https://collect.example/2/httpapi", fetchRemoteConfig: false, autocapture: { pageViews: true },
});
amplitude.track("Product Viewed", { product_id: "sku-1", price: 79.9 });
amplitude.setUserId("u-17");
amplitude.identify(new amplitude.Identify().set("email", "pat@example.org").set("plan", "plus").set("age", 34));
amplitude.track("Product Added", { product_id: "sku-1", quantity: 2 });
amplitude.track("Order Completed", {
  order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
});
