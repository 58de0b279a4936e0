"""JSON in a form: `data=` with plain or Base64 JSON, as pages send it when they are closed.

Source: posthog-js and mixpanel-browser, whose beacons are forms so that browsers need no preflight.
"""

from __future__ import annotations

import re

from stream_app.intake.trackers import json_records
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

_FORM_BEGINS = re.compile(rb"[\w.-]{1,64}=")


def is_form(body: bytes) -> bool:
    """Whether a body looks like form fields."""
    return _FORM_BEGINS.match(body) is not None


def read_form(body: bytes) -> bytes:
    """The content of the field `data`.

    Raises:
        RefusedError: it is missing, or neither JSON nor Base64.
    """
    decoded = json_records.read_data(json_records.read_form(body))
    if decoded is None:
        raise RefusedError(RefusalReason.BAD_FORM, "a form must have JSON or its Base64 in its field `data`")
    return decoded
