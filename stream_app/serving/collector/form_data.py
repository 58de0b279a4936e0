"""JSON within a form: `data=` with the JSON itself or its Base64, as pages send it when they are left.

Source: posthog-js and mixpanel-browser, whose beacons are forms so that no browser asks leave for them.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from stream_app.intake.trackers.json_records import decode_base64
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

FIELD = "data"
MOST_FIELDS = 64
_FORM_BEGINS = re.compile(rb"[\w.-]{1,64}=")


def is_form(body: bytes) -> bool:
    """Whether a body looks like a form's fields."""
    return _FORM_BEGINS.match(body) is not None


def read_form(body: bytes) -> bytes:
    """What the field `data` holds.

    Raises:
        RefusedError: there is none, or it is neither JSON nor Base64.
    """
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=MOST_FIELDS))
    except ValueError:
        fields = {}
    data = fields.get(FIELD, "")
    if data.lstrip()[:1] in {"{", "["}:
        return data.encode()
    decoded = decode_base64(data.replace(" ", "+")) if data else None  # a bare + of Base64 reads as a space
    if decoded is None:
        raise RefusedError(
            RefusalReason.BAD_FORM, f"a form must have JSON or its Base64 in its field `{FIELD}`"
        )
    return decoded
