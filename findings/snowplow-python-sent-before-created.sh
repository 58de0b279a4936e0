#!/usr/bin/env bash
# snowplow-tracker 1.0.2 (Python): an event says it was sent before it was created.
# Guess: stm, the time of sending, and dtm, of creation, are milliseconds of one clock, so stm is the later one.
# Seen: stm is cut to whole seconds and then written as milliseconds (…000); dtm is not. Nearly every event that is
# sent at once has an stm up to a second before its dtm.
# Matters: a receiver takes dtm - stm to correct wrong clocks. The events land up to a second in the future of their
# arrival, and one that refuses "sent before created" refuses nearly all of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snowplow-tracker==1.0.2
"$folder/venv/bin/python" - <<'PYTHON'
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

from snowplow_tracker import Emitter, StructuredEvent, Tracker

received = []


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        received.extend(json.loads(self.rfile.read(int(self.headers["content-length"])))["data"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


logging.disable(logging.CRITICAL)
server = HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
emitter = Emitter(f"127.0.0.1:{server.server_port}", protocol="http", method="post", batch_size=1)
tracker = Tracker(namespace="shop", emitters=emitter)
for _ in range(5):
    tracker.track(StructuredEvent(category="shop", action="order"))
    time.sleep(0.15)
until = time.monotonic() + 30
while len(received) < 5 and time.monotonic() < until:
    time.sleep(0.05)
print("snowplow-tracker", version("snowplow-tracker"), [(event["dtm"], event["stm"]) for event in received])
assert len(received) == 5
assert all(event["stm"].endswith("000") for event in received)
assert sum(int(event["stm"]) < int(event["dtm"]) for event in received) >= 4
PYTHON
