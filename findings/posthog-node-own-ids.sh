#!/usr/bin/env bash
# posthog-node 5.70.0: an event id of one's own is replaced unless it is a UUID.
# Guess: capture({uuid}) sends the given id, or refuses one that is not a UUID.
# Seen: "order-1001" is left out and a random id sent; a UUID is kept. Nothing is printed or thrown. posthog 7.91.1
# (Python) replaces it too, with a line in its log.
# Matters: the id is what makes a repeated send countable once. A job that is run again sends the same orders with
# other ids, and a receiver counts them twice.
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
const own = ["order-1001", "order-1001", "5f0c0ffe-1111-4222-8333-444455556666"];
for (const uuid of own) posthog.capture({ distinctId: "person", event: "Order Completed", uuid });
await posthog.shutdown();
const sent = received.flatMap(({ batch }) => batch).map(({ uuid }) => uuid);
console.log("posthog-node 5.70.0:", own, "->", sent);
assert.equal(sent.length, 3);
assert.ok(!sent.includes("order-1001") && sent[0] !== sent[1]);
assert.equal(sent[2], own[2]);
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
