#!/usr/bin/env bash
# @rudderstack/analytics-js 3.34.1: reset() forgets the user and keeps the visitor's anonymous id.
# Guess: like Segment's analytics-next, whose calls it has, reset() at a logout begins a new visitor.
# Seen: after reset() events have an empty userId ("", not a missing one) and the anonymousId of before; two people who
# identify one after the other on this device share it.
# Matters: a receiver that joins anonymous history to whoever identifies next joins all people of a shared device.
# The first user who claims an anonymous id should keep it.
# Seen while running the SDK against a collector: two people of one browser claimed one anonymous id.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
browser=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @rudderstack/analytics-js@3.34.1 \
    esbuild@0.28.2 playwright-core@1.65.1
cat > "$folder/page.js" <<'JAVASCRIPT'
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";
const source = { id: "s", name: "n", writeKey: "key", enabled: true, config: {}, destinations: [], workspaceId: "w" };
const rudder = new RudderAnalytics();
rudder.load("key", location.origin, {
  configUrl: location.origin, logLevel: "ERROR", getSourceConfig: () => ({ source }), integrations: { All: false },
});
rudder.ready(() => {
  rudder.identify("user-1");
  rudder.reset();
  rudder.track("between");
  rudder.identify("user-2");
});
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
while (!(received.length >= 3) && Date.now() < until) await tab.waitForTimeout(100);
await chrome.close();
const seen = received.map(({ type, userId, anonymousId }) => ({ type, userId, anonymousId }));
console.log("@rudderstack/analytics-js 3.34.1:", seen);
assert.deepEqual(seen.map(({ userId }) => userId), ["user-1", "", "user-2"]);
assert.equal(new Set(seen.map(({ anonymousId }) => anonymousId)).size, 1);
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs" "$folder" "$browser"
