"""JSON within a form: `data=` with the JSON itself or its Base64, as pages send it when they are left.

Source: posthog-js and mixpanel-browser, whose beacons are forms so that no browser asks leave for them.
"""

from __future__ import annotations

import re

from stream_app.intake.trackers import json_records
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

_FORM_BEGINS = re.compile(rb"[\w.-]{1,64}=")


def is_form(body: bytes) -> bool:
    """Whether a body looks like a form's fields."""
    return _FORM_BEGINS.match(body) is not None


def read_form(body: bytes) -> bytes:
    """What the field `data` holds.

    Raises:
        RefusedError: there is none, or it is neither JSON nor Base64.
    """
    decoded = json_records.read_data(json_records.read_form(body))
    if decoded is None:
        raise RefusedError(RefusalReason.BAD_FORM, "a form must have JSON or its Base64 in its field `data`")
    return decoded
