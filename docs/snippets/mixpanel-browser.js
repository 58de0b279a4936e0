import mixpanel from "mixpanel-browser";

mixpanel.init("YOUR-KEY", { api_host: "https://collect.example", track_pageview: true });

mixpanel.track("Product Viewed", { product_id: "sku-1", price: 79.9 });
mixpanel.identify("u-17");
mixpanel.people.set({ $email: "pat@example.org", plan: "plus", age: 34 });
mixpanel.track("Product Added", { product_id: "sku-1", quantity: 2 });
mixpanel.track("Order Completed", {
  order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
});
