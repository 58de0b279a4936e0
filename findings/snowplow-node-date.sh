#!/usr/bin/env bash
# @snowplow/node-tracker: a Date as an event's timestamp is ignored, and the event happens now.
# Guess: `track(event, context, new Date(…))` takes a Date where milliseconds are taken, or raises an error.
# Seen: the payload has `dtm` of the call and no `ttm`. Milliseconds as a number do become `dtm`.
# Matters: history that is sent with Dates lands on today, silently. Seen while holding sent times to those called.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @snowplow/node-tracker@4.8.0
cat > "$folder/run.mjs" <<'JAVASCRIPT'
import assert from "node:assert/strict";
import http from "node:http";
import zlib from "node:zlib";

const received = [];
const waiting = [];
const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    let body = Buffer.concat(parts);
    if (body[0] === 0x1f && body[1] === 0x8b) body = zlib.gunzipSync(body);
    received.push({ url: request.url, body: body.toString() });
    response.setHeader("content-type", "application/json");
    response.end('{"ok": true, "status": 1, "code": 200}');
    for (const check of waiting.splice(0)) check();
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}`;
setTimeout(() => { console.error("nothing arrived within 30 s"); process.exit(1); }, 30_000).unref();
const arrived = async (count) => { while (received.length < count) await new Promise((done) => waiting.push(done)); };

import { buildPageView, newTracker } from "@snowplow/node-tracker";
const tracker = newTracker(
  { namespace: "shop", appId: "shop" },
  { endpoint: address, eventMethod: "post", bufferSize: 1 },
);
const then = new Date("2020-02-03T04:05:06Z");
tracker.track(buildPageView({ pageUrl: "https://shop.example/" }), [], then);
await arrived(1);
tracker.track(buildPageView({ pageUrl: "https://shop.example/" }), [], then.getTime());
await arrived(2);
const [withDate, withNumber] = received.map(({ body }) => JSON.parse(body).data[0]);
console.log("@snowplow/node-tracker 4.8.0:", { "dtm with a Date": withDate.dtm, "dtm with a number": withNumber.dtm, ttm: withDate.ttm });
assert.ok(Number(withDate.dtm) > Date.parse("2026-01-01"));
assert.equal(withDate.ttm, undefined);
assert.equal(withNumber.dtm, String(then.getTime()));
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
