import MatomoTracker from "matomo-tracker";

const matomo = new MatomoTracker("YOUR-KEY", "https://collect.example/matomo.php");
const page = "https://shop.example/p/sku-1";

const before = { _id: "00000000000000a7", url: page }, known = { ...before, uid: "u-17" };
const hits = [
  { ...before, action_name: "Shoe" },
  { ...before, _pks: "sku-1", _pkp: "79.9", _pkn: "Shoe" },
  { ...known, e_c: "Shop", e_a: "Product Added", e_n: "sku-1", e_v: "2" },
  {
    ...known, idgoal: "0", ec_id: "o-1", revenue: "159.8",
    ec_items: JSON.stringify([["sku-1", "Shoe", "shoes", 79.4, 2], ["sku-2", "Lace", "laces", 1, 1]]),
  },
].map((hit) => ({ ...hit, rand: String(Math.random()).slice(2), cdt: new Date().toISOString() }));
await new Promise((done) => matomo.trackBulk(hits, done));
