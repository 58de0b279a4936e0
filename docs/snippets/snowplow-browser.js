import { newTracker, setUserId, trackPageView } from "@snowplow/browser-tracker";
import {
  SnowplowEcommercePlugin, trackAddToCart, trackProductView, trackTransaction,
} from "@snowplow/browser-plugin-snowplow-ecommerce";

newTracker("shop", "https://collect.example", { appId: "YOUR-KEY", plugins: [SnowplowEcommercePlugin()] });

const shoe = { id: "sku-1", name: "Shoe", category: "shoes", price: 79.9, currency: "EUR" };
const lace = { id: "sku-2", category: "laces", price: 1, currency: "EUR", quantity: 1 };
trackPageView();
trackProductView(shoe);
setUserId("u-17");
trackAddToCart({ products: [{ ...shoe, quantity: 2 }], total_value: 159.8, currency: "EUR" });
trackTransaction({
  transaction_id: "o-1", revenue: 159.8, currency: "EUR", payment_method: "card",
  products: [{ ...shoe, price: 79.4, quantity: 2 }, lace],
});
