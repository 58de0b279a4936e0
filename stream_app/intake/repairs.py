"""An invalid optional field is dropped instead of its event.

The contract (`schemas.events`) says what to send; this module handles events that violate it only in optional
fields. Such a field is removed, and its name is counted. Fields that say who, when or what are never removed,
because that would change the event's meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stream_app.schemas.events import EVENT_ADAPTER, ContractEvent

ROUNDS = 4  # removing one field can reveal another: a union reports one alternative at a time
# Any other part of an error's location is the sender's own key, and may be personal.
FIELD_NAMES = frozenset(
    name
    for definition in EVENT_ADAPTER.json_schema()["$defs"].values()
    for name in definition.get("properties", ())
)
IDS = frozenset({"messageId", "userId", "anonymousId", "previousId", "groupId"})
EVENT_TIMES = frozenset({"timestamp", "originalTimestamp"})
TIMES = EVENT_TIMES | {"sentAt", "receivedAt"}
PREFERENCES = ("context", "consent", "categoryPreferences")
AGREED = frozenset({"granted", "yes", "true", "on", "allow", "allowed"})


def fit(fields: dict[str, Any]) -> tuple[ContractEvent, list[str]]:
    """Fit plain fields to the contract; return the event and the names of removed fields.

    Raises:
        ValidationError: a required field is wrong.
    """
    dropped: list[str] = []
    for _ in range(ROUNDS):
        try:
            # As JSON, because the contract reads some Python values differently.
            return EVENT_ADAPTER.validate_json(_encode(fields), by_alias=True, by_name=False), dropped
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False, include_context=False)
            # A union reports each alternative for a value: one location, several errors.
            paths = dict.fromkeys(_path_to(fields, detail["loc"][1:]) for detail in wrong)
            if not all(_mend(fields, path, wrong, dropped) for path in paths):
                raise
    return EVENT_ADAPTER.validate_json(_encode(fields), by_alias=True, by_name=False), dropped


def place_of(detail: ErrorDetails) -> str:
    """The dotted name of the field, without the union's tag and the sender's own keys."""
    return ".".join(str(part) for part in detail["loc"][1:] if isinstance(part, int) or part in FIELD_NAMES)


def _encode(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields)


def _mend(
    fields: dict[str, Any], path: tuple[str, ...], wrong: Sequence[ErrorDetails], dropped: list[str]
) -> bool:
    """Correct or remove one wrong value; return False if neither is allowed."""
    if not path:
        return False
    *outer, name = path
    holder: Any = fields
    for part in outer:
        holder = holder.get(part)
        if holder is None:
            return True  # removed as a whole
    if path[0] in IDS and (as_text := id_text(holder[name])) is not None:
        holder[name] = as_text
        return True
    if tuple(outer) == PREFERENCES:
        # Consent in an unknown format does not count as agreement.
        holder[name] = str(holder[name]).lower() in AGREED
    elif _is_optional(fields, path, wrong):
        del holder[name]
    else:
        return False
    dropped.append(".".join(part for part in path if part in FIELD_NAMES))
    return True


def _path_to(fields: dict[str, Any], place: tuple[int | str, ...]) -> tuple[str, ...]:
    """The part of an error's location that leads through objects; the rest names a union's alternative."""
    path: list[str] = []
    node: Any = fields
    for part in place:
        if not isinstance(node, dict) or not isinstance(part, str) or part not in node:
            break
        path.append(part)
        node = node[part]
    return tuple(path)


def _is_optional(fields: dict[str, Any], path: Sequence[str], wrong: Sequence[ErrorDetails]) -> bool:
    first, *rest = path
    if first in EVENT_TIMES:
        bad = {detail["loc"][1] for detail in wrong if len(detail["loc"]) > 1}
        return any(fields.get(name) is not None and name not in bad for name in EVENT_TIMES)
    if first == "anonymousId":
        return bool(fields.get("userId"))
    if fields.get("type") in {"session", "label"} and first == "properties":
        return fields["type"] == "session" and rest in (["sessionId"], ["items"], ["searchQuery"])
    return first in {"context", "properties", "traits", "messageId", "name", "category"} | TIMES


def id_text(value: object) -> str | None:
    """A number as the id it was meant to be; `12.0` is `12`, as Python writes a column with gaps."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, int) else None
