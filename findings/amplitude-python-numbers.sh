#!/usr/bin/env bash
# amplitude-analytics (Python): a whole-number price and a fractional time are dropped, and the event goes on.
# Guess: price=10 is 10.0, and time=1700000000500.0 is that time; or an error is raised.
# Seen: a price that is an int is left out, so the order has no revenue; a time that is a float is left out too, so the
# event happens "now". Both are one line in the log.
# Matters: round prices vanish while 9.99 arrives; a back-fill with float times lands on today.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check amplitude-analytics==1.3.0
"$folder/env/bin/python" - <<'PYTHON'
import logging
from importlib.metadata import version

from amplitude import BaseEvent

logging.disable(logging.CRITICAL)
order = BaseEvent("Order Completed", user_id="person", price=10, quantity=1, time=1_700_000_000_500.0)
print("amplitude-analytics", version("amplitude-analytics"), order.get_event_body())
assert order["price"] is None
assert order["time"] is None
assert BaseEvent("Order Completed", user_id="person", price=10.0)["price"] == 10.0
PYTHON
