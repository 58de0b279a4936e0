"""JSON as trackers send it, and the one error of all readers."""

from __future__ import annotations

from typing import Any

import msgspec

MAX_EVENTS = 2500  # events in a batch, as many as Segment's HTTP API takes


class Unreadable(ValueError):  # noqa: N818 (says what the record is)
    """A record is not of the form that it is read as; `detail` names fields, never values."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def parse_json(value: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        Unreadable: it is not JSON in UTF-8, or nests too deeply.
    """
    try:
        return msgspec.json.decode(value)
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from None
    except msgspec.MsgspecError as error:
        raise Unreadable(f"not JSON: {error}") from None
    except RecursionError:
        raise Unreadable("the JSON nests too deeply") from None


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
