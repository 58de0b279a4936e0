#!/usr/bin/env bash
# @segment/analytics-next 1.84.3: calls made before identify() carry the user id that identify() sets.
# Guess: a page() and a track() called before identify() are an anonymous visitor's, and identify() arrives before what
# was called after it.
# Seen: all four calls of a page's first script wait until the library has loaded and are given their ids then: the
# page view from before identify() has the userId, and the identify is the last to be sent, with the latest timestamp.
# Matters: a receiver that takes an event's userId at its word counts the visit before the login as the user's, and
# sees a known user act before the identify with the traits.
# Seen while running the SDK against a collector: the first page view came to the known user's row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
browser=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @segment/analytics-next@1.84.3 \
    esbuild@0.28.2 playwright-core@1.65.1
cat > "$folder/page.js" <<'JAVASCRIPT'
import { AnalyticsBrowser } from "@segment/analytics-next";
const cdnSettings = { integrations: { "Segment.io": { apiKey: "key", apiHost: location.host, protocol: "http" } } };
const analytics = AnalyticsBrowser.load({ writeKey: "key", cdnSettings });
analytics.page("Home");
analytics.track("before");
analytics.identify("user-1", { plan: "plus" });
analytics.track("after");
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
await tab.goto(`http://127.0.0.1:${server.address().port}/`);
const until = Date.now() + 30_000;
while (!(received.length >= 4) && Date.now() < until) await tab.waitForTimeout(100);
await chrome.close();
const seen = received.map(({ type, event, userId, timestamp }) => ({ type, event, userId, timestamp }));
console.log("@segment/analytics-next 1.84.3:", seen);
assert.equal(seen.length, 4);
assert.ok(seen.every(({ userId }) => userId === "user-1"));
const at = (name) => Date.parse(seen.find(({ type, event }) => [type, event].includes(name)).timestamp);
assert.ok(at("identify") >= at("after"));
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs" "$folder" "$browser"
