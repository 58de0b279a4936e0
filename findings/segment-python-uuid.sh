#!/usr/bin/env bash
# segment-analytics-python 2.4.0 and rudder-sdk-python 2.1.9: a UUID among the properties is left out.
# Guess: a UUID is sent as text, as a date and a Decimal are sent in a form JSON has; or an error is raised.
# Seen: the property is gone, and so is one inside a list of products, down to the product's id; a list of UUIDs is
# gone whole, with the text beside them. There is a warning in the log and the event is sent.
# Matters: in Django and SQLAlchemy a UUID is what the id of an order or a product is. The order arrives with its
# price and without the id that would make it countable once, the product without the id that a recommender needs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check segment-analytics-python==2.4.0 \
    rudder-sdk-python==2.1.9
"$folder/venv/bin/python" - <<'PYTHON'
import logging
from decimal import Decimal
from importlib.metadata import version
from uuid import UUID

import rudderstack.analytics.client as rudder
import segment.analytics.client as segment

logging.disable(logging.CRITICAL)
order = {
    "order_id": UUID(int=1),
    "products": [{"product_id": UUID(int=2), "price": Decimal("9.90")}],
    "coupons": [UUID(int=3), "SUMMER"],
}
for module, package in ((segment, "segment-analytics-python"), (rudder, "rudder-sdk-python")):
    sent = []
    module.post = lambda *_, batch, sent=sent, **__: sent.extend(batch)
    module.Client("key", host="http://collector.example", sync_mode=True).track("person", "Order Completed", order)
    print(package, version(package), sent[0]["properties"])
    assert sent[0]["properties"] == {"products": [{"price": 9.9}]}, sent
PYTHON
