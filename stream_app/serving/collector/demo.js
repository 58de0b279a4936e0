// What stock trackers send, by hand: analytics.js (single calls and batches as text/plain, so that the
// browser asks no permission first), RudderStack's beacon, and Snowplow's payload.
"use strict";

const writeKey = new URLSearchParams(location.search).get("writeKey") || "demo-page";
const item = "sku-" + (1 + Math.floor(Math.random() * 5));

function stored(name, make) {
  const kept = localStorage.getItem(name) || make();
  localStorage.setItem(name, kept);
  return kept;
}

// Not crypto.randomUUID: browsers keep that from pages that came over plain HTTP from another machine.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const anonymousId = stored("demo_anonymous_id", uuid);

function event(type, fields) {
  return {
    type,
    timestamp: new Date().toISOString(),
    messageId: "ajs-next-" + Date.now() + "-" + uuid(),
    anonymousId,
    userId: localStorage.getItem("demo_user_id"),
    integrations: {},
    context: {
      page: {
        path: location.pathname,
        referrer: document.referrer,
        search: location.search,
        title: document.title,
        url: location.href,
      },
      userAgent: navigator.userAgent,
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      library: { name: "analytics.js", version: "npm:next-1.70.0" },
    },
    ...fields,
  };
}

const product = { product_id: item, category: "shoes", price: 49.9, quantity: 1, currency: "EUR" };
const track = (name, properties) => event("track", { event: name, properties });
const page = () => event("page", { properties: { path: location.pathname, url: location.href } });

function logIn() {
  localStorage.setItem("demo_user_id", "demo-user");
  return event("identify", { userId: "demo-user", traits: { plan: "premium" } });
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "post",
    keepalive: true,
    headers: { "Content-Type": "text/plain" },
    body: JSON.stringify(body),
  });
  return answer.status;
}

const single = (path, made) => post(path, { ...made, writeKey, sentAt: new Date().toISOString() });

function beacon() {
  const body = { batch: [track("Page Left", {})], sentAt: new Date().toISOString() };
  const blob = new Blob([JSON.stringify(body)], { type: "text/plain" });
  const path = "/beacon/v1/batch?writeKey=" + encodeURIComponent(writeKey);
  return navigator.sendBeacon(path, blob) ? "queued" : "refused";
}

async function snowplow() {
  const now = String(Date.now());
  const answer = await fetch("/com.snowplowanalytics.snowplow/tp2", {
    method: "POST",
    credentials: "include",
    headers: { "Content-Type": "application/json; charset=UTF-8" },
    body: JSON.stringify({
      schema: "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
      data: [
        {
          e: "pv", url: location.href, page: document.title, eid: uuid(), tv: "js-3.24.0", tna: "demo",
          aid: writeKey, p: "web", duid: anonymousId, dtm: now, stm: now, lang: navigator.language,
        },
      ],
    }),
  });
  return answer.status;
}

const senders = {
  page: () => single("/v1/p", page()),
  product: () => single("/v1/t", track("Product Viewed", product)),
  add: () => single("/v1/t", track("Product Added", product)),
  order: () =>
    single("/v1/t", track("Order Completed", { order_id: uuid(), revenue: 49.9, products: [product] })),
  identify: () => single("/v1/i", logIn()),
  batch: () =>
    post("/v1/b", {
      writeKey,
      batch: [page(), track("Product Viewed", product)],
      sentAt: new Date().toISOString(),
    }),
  beacon: async () => beacon(),
  snowplow,
};

async function send(name) {
  const line = document.createElement("li");
  try {
    line.textContent = name + ": " + (await senders[name]());
  } catch (error) {
    line.textContent = name + ": " + error;
  }
  document.getElementById("log").append(line);
}

for (const button of document.querySelectorAll("button")) {
  button.addEventListener("click", () => send(button.dataset.send));
}

async function begin() {
  await send("page");
  if (new URLSearchParams(location.search).has("all")) {
    for (const name of Object.keys(senders).slice(1)) await send(name);
  }
  document.getElementById("state").textContent = "sent; each line below is the collector's status";
}

begin();
