"""What a body says: its events and the write key that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from stream_app.serving.collector.refusals import RefusalReason, RefusedError


class Reading(NamedTuple):
    """Events as they were sent, and the write key in the body, if it has one."""

    events: list[Any]
    write_key: str | None


def parse(body: bytes) -> object:
    """What a JSON body holds.

    Raises:
        RefusedError: it is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise RefusedError(RefusalReason.BAD_JSON, f"the body is not JSON: {error.msg} at {place}") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is.

    Raises:
        RefusedError: it is not JSON, or not an object.
    """
    parsed = parse(body)
    if not isinstance(parsed, dict):
        raise RefusedError(RefusalReason.BAD_FORM, "the body is JSON, but not an object")
    return parsed


def text_in(parsed: Mapping[str, Any], *names: str) -> str | None:
    """The first of some fields that has a text."""
    return next((value for name in names if isinstance(value := parsed.get(name), str)), None)
