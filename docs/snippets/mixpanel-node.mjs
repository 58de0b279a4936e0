import Mixpanel from "mixpanel";
import { promisify } from "node:util";

const { host, protocol } = new URL("https://collect.example");
const mixpanel = Mixpanel.init("YOUR-KEY", { host, protocol: protocol.slice(0, -1) });
const track = promisify(mixpanel.track.bind(mixpanel));

const before = { distinct_id: "$device:anon-17", $device_id: "anon-17" };
const known = { distinct_id: "u-17", $device_id: "anon-17", $user_id: "u-17" };
await track("$mp_web_page_view", { ...before, $current_url: "https://shop.example/p/sku-1", current_page_title: "Shoe" });
await track("Product Viewed", { ...before, product_id: "sku-1", price: 79.9 });
await promisify(mixpanel.people.set.bind(mixpanel.people))("u-17", { $email: "pat@example.org", plan: "plus", age: 34 });
await track("Product Added", { ...known, product_id: "sku-1", quantity: 2 });
await track("Order Completed", {
  ...known, order_id: "o-1", revenue: 159.8, currency: "EUR",
  products: [{ product_id: "sku-1", price: 79.4, quantity: 2 }, { product_id: "sku-2", price: 1, quantity: 1 }],
});
