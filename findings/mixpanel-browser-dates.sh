#!/usr/bin/env bash
# mixpanel-browser 2.83.0: a Date is empty in an event and a time in a profile.
# Guess: the SDK writes a Date the same way wherever it stands.
# Seen: track() sends {} for it, also where it is the event's own `time`; people.set() sends the UTC time without a
# zone.
# Matters: "viewed at" and "delivery on" are lost from events, an event given its time has none that can be read, and
# a receiver that takes the profile's time for local is off by the zone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
browser=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" mixpanel-browser@2.83.0 \
    esbuild@0.28.2 playwright-core@1.65.1
cat > "$folder/page.js" <<'JAVASCRIPT'
import mixpanel from "mixpanel-browser";
mixpanel.init("token", { api_host: location.origin, batch_requests: false, opt_out_useragent_filter: true });
const at = new Date("2026-11-30T23:30:00Z");
mixpanel.track("Delivery Chosen", { delivery: at });
mixpanel.track("Order Completed", { time: at });
mixpanel.identify("person");
mixpanel.people.set({ delivery: at });
JAVASCRIPT
cat > "$folder/run.mjs" <<'JAVASCRIPT'
import assert from "node:assert/strict";
import http from "node:http";
import zlib from "node:zlib";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const bundle = await build({ entryPoints: [`${process.argv[2]}/page.js`], bundle: true, write: false, format: "iife" });
const received = [];
const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    if (request.url === "/") return response.setHeader("content-type", "text/html").end('<script src="/page.js"></script>');
    if (request.url === "/page.js") return response.end(bundle.outputFiles[0].text);
    let body = Buffer.concat(parts);
    if (body[0] === 0x1f && body[1] === 0x8b) body = zlib.gunzipSync(body);
    if (request.method === "POST") received.push(...events(request.url, body.toString()));
    response.setHeader("content-type", "application/json").end('{"code": 200, "ok": true, "success": true}');
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const chrome = await chromium.launch({ executablePath: process.argv[3], args: ["--no-sandbox"] });
const tab = await chrome.newPage();
const events = (url, body) => {
  const data = new URLSearchParams(body).get("data");
  return [JSON.parse(data.startsWith("{") ? data : Buffer.from(data, "base64").toString())].flat();
};
await tab.goto(`http://127.0.0.1:${server.address().port}/`);
const until = Date.now() + 30_000;
while (!(received.length >= 5) && Date.now() < until) await tab.waitForTimeout(100);
await chrome.close();
const event = (name) => received.find((one) => one.event === name)?.properties;
const seen = {
  delivery: event("Delivery Chosen")?.delivery,
  time: event("Order Completed")?.time,
  profile: received.find((one) => one.$set?.delivery !== undefined)?.$set.delivery,
};
console.log("mixpanel-browser 2.83.0:", seen);
assert.deepEqual(seen, { delivery: {}, time: {}, profile: "2026-11-30T23:30:00" });
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs" "$folder" "$browser"
