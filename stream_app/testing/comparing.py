"""Outputs in a form in which two runs can be compared."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from pydantic import BaseModel

from stream_app.schemas.outputs import Output
from stream_app.testing.events import JsonObject


def comparable(outputs: Iterable[Output | bytes | JsonObject]) -> dict[str, JsonObject]:
    """Outputs by id, in JSON and without `emitted_at`, the one field that a replay changes.

    Raises:
        ValueError: an id occurs twice with different content.
    """
    by_id: dict[str, JsonObject] = {}
    for output in outputs:
        body = as_json(output)
        del body["emitted_at"]
        if by_id.setdefault(body["id"], body) != body:
            raise ValueError(f"two outputs have the id {body['id']}: {by_id[body['id']]} and {body}")
    return by_id


def as_json(output: Output | bytes | JsonObject) -> JsonObject:
    """An output as the JSON object that consumers read."""
    if isinstance(output, BaseModel):
        return output.model_dump(mode="json")
    return orjson.loads(output) if isinstance(output, bytes) else dict(output)
