#!/usr/bin/env bash
# @amplitude/analytics-browser 2.48.1: an event carries the ids of the moment it is processed, not of its call.
# Guess: track() notes who the user is; a later setUserId() or reset() concerns what follows.
# Seen: track("before") followed by setUserId() in the same task carries the user id. After track("paid") and reset()
# in one task, "paid" carries neither the user's id nor the device's that it was called with.
# Matters: a login button that tracks and then names the user, and a logout that tracks and then resets, each put the
# event on the wrong person; the latter makes the last event of every session a new visitor's.
# Seen while running the SDK against a collector: events before and after a login both came to the user.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
browser=$(command -v chromium) || { echo "needs Chromium: apt-get install chromium" >&2; exit 1; }
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @amplitude/analytics-browser@2.48.1 \
    esbuild@0.28.2 playwright-core@1.65.1
cat > "$folder/page.js" <<'JAVASCRIPT'
import * as amplitude from "@amplitude/analytics-browser";
const options = {
  serverUrl: `${location.origin}/2/httpapi`, flushIntervalMillis: 200, autocapture: false,
  remoteConfig: { fetchRemoteConfig: false },
};
run();
async function run() {
  await amplitude.init("key", undefined, options).promise;
  const visitor = amplitude.getDeviceId();
  amplitude.track("before", { visitor });
  amplitude.setUserId("user-0001");
  await amplitude.track("after", { visitor }).promise;
  amplitude.track("paid", { visitor });
  amplitude.reset();
  await amplitude.track("next", { visitor }).promise;
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
const events = (url, body) => JSON.parse(body).events ?? [];
await tab.goto(`http://127.0.0.1:${server.address().port}/`);
const until = Date.now() + 30_000;
while (!(received.length >= 4) && Date.now() < until) await tab.waitForTimeout(100);
await chrome.close();
const seen = received.map(({ event_type, user_id, device_id, event_properties }) => (
  { event_type, user_id, isVisitorsDevice: device_id === event_properties.visitor }
));
console.log("@amplitude/analytics-browser 2.48.1:", seen);
const named = (name) => seen.find(({ event_type }) => event_type === name);
assert.equal(named("before").user_id, "user-0001");
assert.equal(named("after").user_id, "user-0001");
assert.equal(named("paid").user_id, undefined);
assert.equal(named("paid").isVisitorsDevice, false);
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs" "$folder" "$browser"
