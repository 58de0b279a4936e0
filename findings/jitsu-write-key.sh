#!/usr/bin/env bash
# Jitsu's SDK wants a write key with a colon, and masks it in what it sends.
# One would guess: any text is a write key, and the body's `writeKey` is that key, as in Segment's SDK that it follows.
# Why it matters: a collector that knows its senders by the key must read the header, and its keys must be given with
# something after a colon.
# Seen while the collector was pointed at by the SDK.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --no-package-lock @jitsu/js@1.11.0 >/dev/null
cat > run.mjs <<'JS'
import { createServer } from "node:http";
import { jitsuAnalytics } from "@jitsu/js";
let sent;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => { sent = { header: request.headers["x-write-key"], body: JSON.parse(body).writeKey }; response.end('{"ok":true}'); });
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const host = `http://127.0.0.1:${server.address().port}`;
await jitsuAnalytics({ host, writeKey: "key-of-the-shop:any" }).track("Signed Up");
const first = sent;
let refused = "";
process.on("uncaughtException", (error) => { refused = error.message; });
process.on("unhandledRejection", (error) => { refused = error.message; });
try { await Promise.race([jitsuAnalytics({ host, writeKey: "key-of-the-shop" }).track("Signed Up"), new Promise((done) => setTimeout(done, 2000))]); }
catch (error) { refused = error.message; }
console.log("@jitsu/js 1.11.0", first, "without a colon:", refused.slice(0, 60));
process.exit(first.header === "key-of-the-shop:any" && first.body === "key-of-the-shop:***" && refused.includes("key:secret") ? 0 : 1);
JS
node run.mjs
