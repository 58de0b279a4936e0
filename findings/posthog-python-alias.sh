#!/usr/bin/env bash
# What one would guess: `alias(previous_id="anon", distinct_id="user")` of posthog (Python) sends an event of the user
# whose `alias` is the previous id, as posthog-node's `alias({distinctId: "user", alias: "anon"})` does. PostHog's own
# servers read the two alike: `alias` is merged into `distinct_id`.
# What happens: the Python library sends the previous id as `distinct_id` and the user's as `alias`, the other way round.
# Why it matters: whoever keys people by `distinct_id` and merges `alias` into it keeps the anonymous id as the name of a
# person who has logged in. The two cannot be told apart by the event but for `$lib`.
# Seen in: Python servers that stitch a visitor to an account at login.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check posthog==7.91.1
(cd "$folder" && npm install --silent --no-package-lock --no-audit --no-fund posthog-node@5.70.0 >/dev/null)
cat >"$folder/alias.py" <<'PY'
import json

import posthog
from posthog import Posthog

kept = []
client = Posthog("key", host="http://127.0.0.1:9", before_send=lambda event: kept.append(event), disabled=False)
client.alias(previous_id="anon", distinct_id="user")
client.shutdown()
(event,) = kept
print("posthog", posthog.VERSION, json.dumps({"distinct_id": event["distinct_id"], "alias": event["properties"]["alias"]}))
PY
cat >"$folder/alias.mjs" <<'JS'
import { readFileSync } from "node:fs";
import { PostHog } from "posthog-node";

const { version } = JSON.parse(readFileSync("node_modules/posthog-node/package.json"));
const kept = [];
const client = new PostHog("key", { host: "http://127.0.0.1:9", before_send: (event) => { kept.push(event); return null; } });
client.alias({ distinctId: "user", alias: "anon" });
await client.shutdown();
const [event] = kept;
console.log("posthog-node", version, JSON.stringify({ distinct_id: event.distinctId ?? event.distinct_id, alias: event.properties.alias }));
JS
python=$("$folder/env/bin/python" "$folder/alias.py")
node=$(cd "$folder" && node alias.mjs)
printf '%s\n%s\n' "$python" "$node"
grep -q '"distinct_id": "anon", "alias": "user"' <<<"$python"
grep -q '"distinct_id":"user","alias":"anon"' <<<"$node"
