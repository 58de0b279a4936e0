#!/usr/bin/env bash
# @segment/analytics-node 3.1.0 and @amplitude/analytics-node 1.5.73: an event that was tracked changes afterwards.
# Guess: track() takes the properties as they are at the call, as posthog-node does.
# Seen: the object is held until the batch is sent. What the caller writes into it in the meantime is sent with the
# earlier event too.
# Matters: a loop that fills one object and tracks it per product sends the last product several times, each with an
# id of its own, so nothing shows that they are wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-package-lock --no-audit --no-fund --prefix "$folder" @segment/analytics-node@3.1.0 \
    @amplitude/analytics-node@1.5.73 posthog-node@5.70.0
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

const { Analytics } = require("@segment/analytics-node");
const amplitude = require("@amplitude/analytics-node");
const { PostHog } = require("posthog-node");
const viewed = async (track, send) => {
  received.length = 0;
  const product = {};
  for (const id of ["shoe", "hat"]) {
    product.id = id;
    track(product);
  }
  await send();
  return received
    .flatMap(({ batch, events }) => batch ?? events)
    .map((event) => (event.properties ?? event.event_properties).id);
};

const segment = new Analytics({ writeKey: "key", host: address });
await amplitude.init("key", { serverUrl: address, logLevel: 0 }).promise;
const posthog = new PostHog("key", { host: address });
const event = "Product Viewed";
const seen = {
  segment: await viewed(
    (properties) => segment.track({ userId: "person", event, properties }),
    () => segment.closeAndFlush(),
  ),
  amplitude: await viewed(
    (properties) => amplitude.track(event, properties, { user_id: "person" }),
    () => amplitude.flush().promise,
  ),
  posthog: await viewed(
    (properties) => posthog.capture({ distinctId: "person", event, properties }),
    () => posthog.shutdown(),
  ),
};
console.log("@segment/analytics-node 3.1.0, @amplitude/analytics-node 1.5.73, posthog-node 5.70.0:", seen);
assert.deepEqual(seen, { segment: ["hat", "hat"], amplitude: ["hat", "hat"], posthog: ["shoe", "hat"] });
process.exit(0);
JAVASCRIPT
node "$folder/run.mjs"
