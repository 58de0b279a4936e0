"""Everything stored about one user: their outputs, and their row in named fields."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import orjson

from stream_app.definitions.file import NONE, Definitions
from stream_app.features.declared.engine import engine_of
from stream_app.features.reading import read_features
from stream_app.features.user_row import UserRow
from stream_app.features.windows import WINDOWS
from stream_app.intake.named_users import named_users
from stream_app.schemas.outputs import FailedEvent

JsonObject = dict[str, Any]


class UserData(NamedTuple):
    """Everything stored about one user: rows by key, outputs by schema, and what the recommender learned."""

    user_id: str
    rows: dict[str, JsonObject]
    outputs: dict[str, list[JsonObject]]
    recommender_sessions: list[JsonObject]


def is_about(body: bytes, names: Collection[str]) -> bool:
    """Whether an output, in JSON, contains one of a user's ids and keys, or is a failed event of theirs."""
    output = orjson.loads(body)
    if output["user_key"] in names:
        return True
    if output["schema_name"] != "failed_event":
        return False
    failed = FailedEvent.model_validate(output)
    return any(_names(failed, name) for name in names)


def describe_row(row: UserRow, definitions: Definitions = NONE) -> JsonObject:
    """The row's fields by name, and the features that follow from it as they stood at its last event.

    `complete_since` says from when on each declared feature knows every event of the user; None: always.
    """
    fields = _named(row)
    fields["tiles"] = dict(zip((window.name for window in WINDOWS), fields["tiles"], strict=True))
    since = engine_of(definitions).complete_since(row.declared, row.seen_at)
    return {
        "fields": fields,
        "features": read_features(row, row.seen_at, definitions=definitions),
        "complete_since": {
            name: datetime.fromtimestamp(at, UTC).isoformat() if at else None for name, at in since.items()
        },
    }


def describe_sessions(sessions: Iterable[tuple[float, Sequence[str]]]) -> list[JsonObject]:
    """Sessions that a recommender learned, given by their ends (epoch seconds) and items."""
    return [
        {"ended_at": datetime.fromtimestamp(ended_at, UTC).isoformat(), "items": list(items)}
        for ended_at, items in sessions
    ]


def group_outputs(bodies: Iterable[bytes]) -> dict[str, list[JsonObject]]:
    """Outputs in JSON, by schema."""
    grouped: dict[str, list[JsonObject]] = {}
    for output in map(orjson.loads, bodies):
        grouped.setdefault(output["schema_name"], []).append(output)
    return grouped


def _names(failed: FailedEvent, user_id: str) -> bool:
    """Whether a failed event names the user or, if it cannot be read, may do so."""
    if failed.key == user_id.encode():
        return True
    original = failed.original or b""
    named = named_users(original)
    if named:
        return user_id in named
    return re.search(rb"(?<![\w-])" + re.escape(user_id.encode()) + rb"(?![\w-])", original) is not None


def _named(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(key): _named(inner) for key, inner in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_named(inner) for inner in value]
    return value
