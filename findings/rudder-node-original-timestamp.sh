#!/usr/bin/env bash
# rudder-sdk-node: an event that is given its own time says the time of the call in originalTimestamp.
# Guess: `track({timestamp})` fills originalTimestamp, the field that RudderStack describes as when the event happened,
# or leaves it out; a reader may then prefer it and correct it by sentAt.
# Seen: `timestamp` keeps the given time and `originalTimestamp` is the time of the call. A reader that prefers
# originalTimestamp dates a whole back-fill to the day of its upload.
# Matters: history that is sent by a server. Seen while holding back-filled events to the times they were given.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @rudderstack/rudder-sdk-node@3.0.13
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

import { createRequire } from "node:module";
const Analytics = createRequire(import.meta.url)("@rudderstack/rudder-sdk-node");
const client = new Analytics("key", { dataPlaneUrl: address, flushAt: 1, gzip: false });
client.track({ userId: "user-1", event: "Order Completed", timestamp: new Date("2020-02-03T04:05:06Z") });
await arrived(1);
const [event] = JSON.parse(received[0].body).batch;
console.log("@rudderstack/rudder-sdk-node 3.0.13:", { timestamp: event.timestamp, originalTimestamp: event.originalTimestamp });
assert.equal(event.timestamp, "2020-02-03T04:05:06.000Z");
assert.ok(Date.parse(event.originalTimestamp) > Date.parse("2026-01-01"), "originalTimestamp follows the given time now");
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
