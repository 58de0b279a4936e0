import { buildPageView, buildSelfDescribingEvent, buildStructEvent, newTracker } from "@snowplow/node-tracker";

const tracker = newTracker(
  { namespace: "shop", appId: "YOUR-KEY" },
  { endpoint: "https://collect.example", eventMethod: "post", bufferSize: 5 },
);

const shop = (name, version, data) => ({ schema: `iglu:com.snowplowanalytics.snowplow.ecommerce/${name}/jsonschema/${version}`, data });
const product = (id, price, quantity) => shop("product", "1-0-0", { id, price, quantity, category: "shoes", currency: "EUR" });
const act = (type) => buildSelfDescribingEvent({ event: shop("snowplow_ecommerce_action", "1-0-2", { type }) });

tracker.setDomainUserId("anon-17");
tracker.track(buildPageView({ pageUrl: "https://shop.example/p/sku-1", pageTitle: "Shoe" }));
tracker.track(act("product_view"), [product("sku-1", 79.9)]);
tracker.setUserId("u-17");
tracker.track(buildStructEvent({ category: "shop", action: "add-to-basket", label: "sku-1", value: 2 }));
const order = shop("transaction", "1-0-0", { transaction_id: "o-1", revenue: 159.8, currency: "EUR", payment_method: "card" });
tracker.track(act("transaction"), [order, product("sku-1", 79.4, 2), product("sku-2", 1, 1)]);
tracker.flush();
