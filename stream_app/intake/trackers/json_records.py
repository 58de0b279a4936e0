"""JSON as trackers send it, and the errors of all readers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

MAX_EVENTS = 2500  # events in a batch, as many as Segment's HTTP API takes


class Unreadable(ValueError):  # noqa: N818 (says what the record is)
    """A record is not of the form that it is read as; `detail` names fields, never values."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotJson(Unreadable):
    """A record that should be JSON is none."""


def parse_json(value: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        NotJson: it is not JSON in UTF-8, or nests too deeply.
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        pass
    try:
        return msgspec.json.decode(value)  # takes whole numbers of any length
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from None
    except msgspec.MsgspecError as error:
        raise NotJson(f"not JSON: {error}") from None
    except RecursionError:
        raise NotJson("the JSON nests too deeply") from None


def parse_object(value: bytes) -> dict[str, Any]:
    """The object that a JSON text is.

    Raises:
        Unreadable: it is not JSON, or not an object.
    """
    parsed = parse_json(value)
    if not isinstance(parsed, dict):
        raise Unreadable("send a JSON object")
    return parsed


def parse_objects(value: bytes) -> list[dict[str, Any]]:
    """The object, or the objects of the array, in a JSON text.

    Raises:
        Unreadable: as of `parse_json` and `require_objects`.
    """
    parsed = parse_json(value)
    return require_objects(parsed if isinstance(parsed, list) else [parsed], "the record")


def require_objects(values: Any, name: str) -> list[dict[str, Any]]:
    """The list, if it holds objects and nothing else.

    Raises:
        Unreadable: it is not such a list, or is longer than `MAX_EVENTS`.
    """
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Unreadable(f"{name} holds something else than JSON objects")
    if len(values) > MAX_EVENTS:
        raise Unreadable(f"{name} holds {len(values)} events; at most {MAX_EVENTS} are taken")
    return values


def text_in(parsed: Mapping[str, Any], *names: str) -> str | None:
    """The first of some fields that has a text."""
    return next((value for name in names if isinstance(value := parsed.get(name), str)), None)


def only_key(keys: set[str | None]) -> str | None:
    """The one write key that the events of a request show.

    Raises:
        Unreadable: they show several.
    """
    if len(keys) > 1:
        raise Unreadable("send the events of one application at a time")
    return next(iter(keys), None)


def decode_base64(value: Any) -> bytes | None:
    """The bytes of a text in Base64, URL-safe or not, padded or not; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        written = value.rstrip("=").replace("+", "-").replace("/", "_").encode("ascii")
        return base64.b64decode(written + b"=" * (-len(written) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
