#!/usr/bin/env bash
# posthog-node 5.70.0: identify() drops the properties that stand beside a $set, and keeps those beside a $set_once.
# Guess: what is not in $set or $set_once is set, in both cases, as identify({properties: {email}}) does it.
# Seen: {$set: {plan}, email} sends the plan alone; {$set_once: {source}, email} sends both.
# Matters: a call that is extended by a $set loses the traits it had, e.g. the address a notification goes to; no
# warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" posthog-node@5.70.0
cat > "$folder/run.mjs" <<'JAVASCRIPT'
import assert from "node:assert/strict";
import http from "node:http";
import { createRequire } from "node:module";
import zlib from "node:zlib";

const received = [];
const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    let body = Buffer.concat(parts);
    if (body[0] === 0x1f && body[1] === 0x8b) body = zlib.gunzipSync(body);
    received.push(JSON.parse(body.toString()));
    response.setHeader("content-type", "application/json").end('{"ok": true, "status": 1, "code": 200}');
  });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}`;
setTimeout(() => { console.error("nothing arrived within 30 s"); process.exit(1); }, 30_000).unref();
const require = createRequire(import.meta.url);

const { PostHog } = require("posthog-node");
const posthog = new PostHog("key", { host: address });
for (const properties of [
  { email: "a@shop.example" },
  { $set: { plan: "pro" }, email: "a@shop.example" },
  { $set_once: { source: "ad" }, email: "a@shop.example" },
]) posthog.identify({ distinctId: "person", properties });
await posthog.shutdown();
const sent = received
  .flatMap(({ batch }) => batch)
  .map(({ properties: { $set, $set_once } }) => ({ $set, $set_once }));
console.log("posthog-node 5.70.0:", sent);
assert.deepEqual(sent, [
  { $set: { email: "a@shop.example" }, $set_once: {} },
  { $set: { plan: "pro" }, $set_once: {} },
  { $set: { email: "a@shop.example" }, $set_once: { source: "ad" } },
]);
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
