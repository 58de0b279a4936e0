import { PostHog } from "posthog-node";

const posthog = new PostHog("YOUR-KEY", { host: "https://collect.example" });

const page = { $current_url: "https://shop.example/p/sku-1", $process_person_profile: false };
posthog.capture({ distinctId: "anon-17", event: "$pageview", properties: page });
const product = { product_id: "sku-1", price: 79.9, $process_person_profile: false };
posthog.capture({ distinctId: "anon-17", event: "Product Viewed", properties: product });
posthog.identify({ distinctId: "u-17", properties: { email: "pat@example.org", plan: "plus", age: 34 } });
posthog.alias({ distinctId: "u-17", alias: "anon-17" });
posthog.capture({ distinctId: "u-17", event: "Product Added", properties: { product_id: "sku-1", quantity: 2 } });
posthog.capture({
  distinctId: "u-17", event: "Order Completed",
  properties: {
    order_id: "o-1", revenue: 159.8, currency: "EUR",
    products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
  },
});
await posthog.shutdown();
