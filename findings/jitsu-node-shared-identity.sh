#!/usr/bin/env bash
# @jitsu/js in Node.js: one client is one visitor, and identify() names all later events of the process.
# Guess: as with other vendors' server SDKs each call says whose it is, and identify() concerns its own user.
# Seen: the client makes one anonymous id for the process, and after identify("user-1") every further call carries
# user-1, whoever's request caused it.
# Matters: a web server with one client merges all its visitors into the first that logs in. A receiver cannot tell.
# Seen while running the SDK against a collector: calls for different people came to one row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @jitsu/js@1.11.0
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

import { jitsuAnalytics } from "@jitsu/js";
const client = jitsuAnalytics({ host: address, writeKey: "key:secret" });
await client.page({ name: "first visitor's page" });
await client.identify("user-1", { plan: "plus" });
await client.track("second visitor's click");
await arrived(3);
const events = received.map(({ body }) => JSON.parse(body)).map(({ type, anonymousId, userId }) => ({ type, anonymousId, userId }));
console.log("@jitsu/js 1.11.0:", events);
assert.equal(new Set(events.map(({ anonymousId }) => anonymousId)).size, 1);
assert.equal(events.at(-1).userId, "user-1");
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
