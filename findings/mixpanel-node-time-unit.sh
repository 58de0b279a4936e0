#!/usr/bin/env bash
# mixpanel (Node.js): `time` is milliseconds and no $insert_id is made; the Python SDK sends seconds and makes one.
# Guess: both SDKs of one vendor send `time` in the unit of the protocol that both speak, seconds, and both give each
# event an $insert_id to drop repeats by.
# Seen: Node.js turns a Date into milliseconds and sends no $insert_id; Python sends float seconds with one.
# Matters: a reader that trusts one unit is wrong by a factor of 1,000 for the other, and repeats from Node.js cannot be
# told from new events. Seen while reading both at one collector.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" mixpanel@0.24.0
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
const Mixpanel = createRequire(import.meta.url)("mixpanel");
const client = Mixpanel.init("token", { host: new URL(address).host, protocol: "http" });
client.track("Page Viewed", { distinct_id: "person", time: new Date("2026-07-01T10:00:00Z") });
await arrived(1);
const data = new URL(received[0].url, address).searchParams.get("data");
const { properties } = JSON.parse(Buffer.from(data, "base64").toString());
console.log("mixpanel (npm) 0.24.0:", properties);
assert.equal(properties.time, Date.parse("2026-07-01T10:00:00Z"));
assert.ok(!("$insert_id" in properties));
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
