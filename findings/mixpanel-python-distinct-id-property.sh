#!/usr/bin/env bash
# mixpanel 5.4.1 (Python): a property named distinct_id wins over the user that track() is called for.
# Guess: track(distinct_id, name, properties) is that user's event; a property of the same name is an error or loses.
# Seen: the property is written over it, and `time`, `token` and `$insert_id` likewise; no warning.
# Matters: properties are often copied from another event or a joined row. The event is then another user's, in
# another project or at another time, or, with a copied `$insert_id`, a duplicate that is dropped.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mixpanel==5.4.1
"$folder/venv/bin/python" - <<'PYTHON'
import json
from importlib.metadata import version

import mixpanel


class Kept:
    def __init__(self):
        self.events = []

    def send(self, endpoint, message, *_, **__):
        self.events.append(json.loads(message)["properties"])


kept = Kept()
client = mixpanel.Mixpanel("token", consumer=kept)
copied = {"distinct_id": "other", "time": 1_577_836_800, "$insert_id": "old", "token": "elsewhere", "price": 5}
client.track("person", "Order Completed", copied)
names = ("distinct_id", "time", "$insert_id", "token")
print("mixpanel", version("mixpanel"), {name: kept.events[0][name] for name in names})
assert {name: kept.events[0][name] for name in names} == {name: copied[name] for name in names}
PYTHON
