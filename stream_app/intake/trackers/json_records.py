"""JSON as trackers send it, and the errors shared by all readers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

import orjson

MAX_INTEGER = 2**63  # not every JSON library can write numbers beyond 64 bits
_BEYOND_JSON = re.compile(rb"NaN|Infinity|[0-9][eE][+]?[0-9]{3}")
_LONG_NUMBER = re.compile(r"[0-9]{19}|[0-9][eE][+]?[0-9]{3}")
MAX_FORM_FIELDS = 64
MAX_EVENTS = 2500  # events in a batch, the limit of Segment's HTTP API


class Unreadable(ValueError):  # noqa: N818 (says what the record is)
    """A record does not have the expected form; `detail` names fields, never values."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TooMany(Unreadable):
    """A record has too many events: its sender should send fewer at a time."""


class NotJson(Unreadable):
    """A record that should be JSON is not."""


def parse_json(value: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        NotJson: it is not JSON in UTF-8, or nests too deeply.
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return _parse_leniently(value)


def has_numbers_beyond_json(value: bytes) -> bool:
    """Whether a text may hold `NaN`, `Infinity` or a number too large for a float, as Python writes them."""
    return _BEYOND_JSON.search(value) is not None


def _parse_leniently(value: bytes | str) -> Any:
    """Parse JSON as Python writes it: `NaN`, `Infinity` and numbers beyond 64 bits become null."""
    try:
        text = value.decode() if isinstance(value, bytes) else value
        parsed = json.loads(text)
        if any(token in text for token in ("NaN", "Infinity")) or _LONG_NUMBER.search(text):
            parsed = _without_such_numbers(parsed)
        orjson.dumps(parsed)  # refuses what could not be encoded again
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise NotJson("the JSON nests too deeply") from None
    except (ValueError, TypeError):
        raise NotJson("not JSON: a text or number in it cannot be written") from None
    return parsed


def _without_such_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_such_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_such_numbers(inner) for inner in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return None if isinstance(value, int) and abs(value) >= MAX_INTEGER else value


def parse_object(value: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        Unreadable: it is not JSON, or not an object.
    """
    parsed = parse_json(value)
    if not isinstance(parsed, dict):
        raise Unreadable("send a JSON object")
    return parsed


def parse_objects(value: bytes) -> list[dict[str, Any]]:
    """Parse a JSON object, or an array of objects.

    Raises:
        Unreadable: as for `parse_json` and `require_objects`.
    """
    parsed = parse_json(value)
    return require_objects(parsed if isinstance(parsed, list) else [parsed], "the record")


def require_objects(values: Any, name: str) -> list[dict[str, Any]]:
    """Return the list if it contains only objects.

    Raises:
        Unreadable: it is not such a list.
        TooMany: it is longer than `MAX_EVENTS`.
    """
    members = require_list(values, name)
    if not all(isinstance(member, dict) for member in members):
        raise Unreadable(f"{name} holds something else than JSON objects")
    return members


def require_list(values: Any, name: str) -> list[Any]:
    """Return the list if it has at most `MAX_EVENTS` members, checked before looking at any of them.

    Raises:
        Unreadable: it is not a list. TooMany: it is longer.
    """
    if not isinstance(values, list):
        raise Unreadable(f"{name} holds something else than JSON objects")
    if len(values) > MAX_EVENTS:
        raise TooMany(f"{name} holds {len(values)} events; at most {MAX_EVENTS} are accepted")
    return values


def text_in(parsed: Mapping[str, Any], *names: str) -> str | None:
    """The first of some fields that contains text."""
    return next((value for name in names if isinstance(value := parsed.get(name), str)), None)


def only_key(keys: set[str | None]) -> str | None:
    """The single write key that the events of a request present.

    Raises:
        Unreadable: they present several.
    """
    if len(keys) > 1:
        raise Unreadable("send the events of one application at a time")
    return next(iter(keys), None)


def decode_base64(value: Any) -> bytes | None:
    """Decode Base64, URL-safe or not, padded or not; None if it is not Base64."""
    if not isinstance(value, str):
        return None
    try:
        written = value.rstrip("=").replace("+", "-").replace("/", "_").encode("ascii")
        return base64.b64decode(written + b"=" * (-len(written) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


def read_data(fields: Mapping[str, str]) -> bytes | None:
    """The JSON in the field `data` of a form or an address, as it is or in Base64; None if there is none."""
    data = fields.get("data", "")
    if data.lstrip()[:1] in {"{", "["}:
        return data.encode()
    return decode_base64(data.replace(" ", "+")) if data else None  # a bare + of Base64 reads as a space


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a form; none if it is no form."""
    try:
        return dict(parse_qsl(body.strip().decode(), max_num_fields=MAX_FORM_FIELDS))
    except ValueError:
        return {}
