#!/usr/bin/env bash
# mixpanel (Python): alias() goes to Mixpanel's own host, whatever consumer the client was given.
# Guess: a client with a consumer for another host (a proxy, a collector of one's own) sends every call there.
# Seen: track() does; alias() builds a consumer with default addresses and posts to api.mixpanel.com, at once.
# Matters: a proxied or self-hosted set-up loses its aliases, and ids leave for a third party that was meant to see
# nothing. Seen while pointing the SDK at a collector. Nothing is sent by this script: the session's post is replaced.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check mixpanel==5.4.1
"$folder/env/bin/python" - <<'PYTHON'
import json
from importlib.metadata import version
from types import SimpleNamespace
from urllib.parse import urlsplit

import mixpanel
import requests

hosts = []


def post(_session, url, **_):
    hosts.append(urlsplit(url).hostname)
    body = json.dumps({"status": 1})
    return SimpleNamespace(status_code=200, text=body, json=lambda: json.loads(body), raise_for_status=lambda: None)


requests.Session.post = post
own = mixpanel.Consumer(
    events_url="http://collector.example/track", people_url="http://collector.example/engage"
)
client = mixpanel.Mixpanel("token", consumer=own)
client.track("person", "Page Viewed")
client.alias("person", "device")
print("mixpanel", version("mixpanel"), "track ->", hosts[0], "| alias ->", hosts[1])
assert hosts == ["collector.example", "api.mixpanel.com"], hosts
PYTHON
