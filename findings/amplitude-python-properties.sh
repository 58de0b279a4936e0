#!/usr/bin/env bash
# amplitude-analytics (Python): one property of a type that it does not know drops all properties of the event.
# Guess: a datetime, a tuple, a nested list or a key that is no text is converted, or left out by itself.
# Seen: the event is sent without any event_properties; there is no error, and the log line names one property.
# Matters: an order with one datetime arrives without products, revenue and currency. Seen at a collector.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check amplitude-analytics==1.3.0
"$folder/env/bin/python" - <<'PYTHON'
import datetime as dt
import logging
from importlib.metadata import version

from amplitude import BaseEvent

logging.disable(logging.CRITICAL)
given = {
    "a datetime": {"order_id": "o-1", "paid_at": dt.datetime(2026, 7, 1, tzinfo=dt.timezone.utc)},
    "a tuple": {"order_id": "o-1", "sizes": (41, 42)},
    "a list of lists": {"order_id": "o-1", "path": [["home", "shoes"]]},
    "nothing special": {"order_id": "o-1", "sizes": [41, 42]},
}
kept = {
    what: BaseEvent("Order Completed", user_id="person", event_properties=properties).event_properties
    for what, properties in given.items()
}
print("amplitude-analytics", version("amplitude-analytics"))
for what, properties in kept.items():
    print(f"  with {what}: {properties}")
assert kept.pop("nothing special") == {"order_id": "o-1", "sizes": [41, 42]}
assert not any(kept.values()), kept
PYTHON
