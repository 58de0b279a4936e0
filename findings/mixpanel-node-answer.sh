#!/usr/bin/env bash
# Mixpanel's Node.js SDK takes only the bare text `1` for a success.
# One would guess: status 200 is a success, all the more with the JSON `{"status": 1}` of Mixpanel's own verbose mode.
# Why it matters: whoever stands in for Mixpanel's server must answer each SDK in its own form; with JSON for all, the
# Node.js SDK reports each event as lost, and with `1` for all, the Python SDK stops with a TypeError.
# Seen while the collector was pointed at by both SDKs.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --no-package-lock mixpanel@0.24.0 >/dev/null
cat > run.mjs <<'JS'
import { createServer } from "node:http";
import Mixpanel from "mixpanel";
const answered = {};
for (const answer of ["1", '{"status":1,"error":null}']) {
  const server = createServer((request, response) => { request.resume(); response.writeHead(200); response.end(answer); });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const mixpanel = Mixpanel.init("token", { host: `127.0.0.1:${server.address().port}`, protocol: "http", keepAlive: false });
  const error = await new Promise((done) => mixpanel.track("Signed Up", { distinct_id: "u-1" }, done));
  answered[answer] = error ? `error: ${error.message}` : "success";
  server.close();
}
console.log("mixpanel 0.24.0", answered);
const [plain, verbose] = Object.values(answered);
process.exit(plain === "success" && verbose.startsWith("error") ? 0 : 1);
JS
node run.mjs
