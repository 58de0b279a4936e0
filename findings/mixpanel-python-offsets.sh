#!/usr/bin/env bash
# mixpanel (Python): a datetime property loses its UTC offset.
# Guess: an aware datetime is written with its offset, or converted to UTC.
# Seen: it is written as local time without an offset, so 12:00+02:00 becomes "12:00:00", which readers take for UTC.
# `time` given as a datetime goes the same way instead of becoming epoch seconds like the SDK's own `time`.
# Matters: times of back-filled events are off by the zone, silently. Seen while reading its events at a collector.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check mixpanel==5.4.1
"$folder/env/bin/python" - <<'PYTHON'
import datetime as dt
import json
from importlib.metadata import version

import mixpanel


class Recorder:
    def send(self, endpoint, json_message, api_key=None, api_secret=None):
        self.properties = json.loads(json_message)["properties"]


recorder = Recorder()
noon = dt.datetime(2026, 7, 1, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
mixpanel.Mixpanel("token", consumer=recorder).track("person", "Order Completed", {"time": noon, "paid_at": noon})
print("mixpanel", version("mixpanel"), {name: recorder.properties[name] for name in ("time", "paid_at")})
assert recorder.properties["paid_at"] == recorder.properties["time"] == "2026-07-01T12:00:00"
PYTHON
