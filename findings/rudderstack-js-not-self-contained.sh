#!/usr/bin/env bash
# @rudderstack/analytics-js 3.34.1: the package's main entry loads the part that sends events from its vendor's CDN.
# Guess: a package bundled into a page's script is complete; only the configured hosts are asked.
# Seen: with the main entry the page asks another host for plugins; when that host is blocked, no event is ever sent to
# the data plane, though both URLs given point at one's own server. The entry `/bundled` of the same package sends.
# Matters: behind a strict content security policy or offline, everything is lost without an error that a page shows.
# Seen while running the SDK against a collector without a way out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
browser=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @rudderstack/analytics-js@3.34.1 \
    esbuild@0.28.2 playwright-core@1.65.1
cat > "$folder/page.js" <<'JAVASCRIPT'
import { RudderAnalytics } from "@rudderstack/analytics-js";
import { RudderAnalytics as Bundled } from "@rudderstack/analytics-js/bundled";
const source = { id: "s", name: "n", writeKey: "key", enabled: true, config: {}, destinations: [], workspaceId: "w" };
const options = { configUrl: location.origin, logLevel: "NONE", getSourceConfig: () => ({ source }), integrations: { All: false } };
if (location.hash === "#bundled") start(Bundled);
else start(RudderAnalytics);
function start(Rudder) {
  const rudder = new Rudder();
  rudder.load("key", location.origin, options);
  rudder.track("called");
}
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
const events = (url, body) => [JSON.parse(body)];
const foreign = new Set();
await tab.route(/^https:/, (route) => { foreign.add(new URL(route.request().url()).pathname); return route.abort(); });
const own = () => `http://127.0.0.1:${server.address().port}/`;
await tab.goto(own());
const patience = Date.now() + 30_000;
while (!foreign.size && Date.now() < patience) await tab.waitForTimeout(100);
await tab.waitForTimeout(5_000);
const sentByMain = received.length;
await tab.goto("about:blank");
await tab.goto(`${own()}#bundled`);
const until = Date.now() + 30_000;
while (!(received.length > sentByMain) && Date.now() < until) await tab.waitForTimeout(100);
await chrome.close();
console.log("@rudderstack/analytics-js 3.34.1:", { sentByMain, sentByBundled: received.length - sentByMain, askedElsewhere: foreign.size });
assert.equal(sentByMain, 0);
assert.ok(foreign.size > 0);
assert.ok(received.length > 0);
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs" "$folder" "$browser"
