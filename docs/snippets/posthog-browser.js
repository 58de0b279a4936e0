import posthog from "posthog-js";

posthog.init("YOUR-KEY", { api_host: "https://collect.example" });

posthog.capture("Product Viewed", { product_id: "sku-1", name: "Shoe", price: 79.9 });
posthog.identify("u-17", { email: "pat@example.org", plan: "plus", age: 34 });
posthog.capture("Product Added", { product_id: "sku-1", quantity: 2, price: 79.9 });
posthog.capture("Order Completed", {
  order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
});
