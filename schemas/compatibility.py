"""Compares two JSON Schemas: what a new contract would break for users of the old one.

Consumers read outputs, so what they may rely on must stay. Producers write events, so what they may send must
still be accepted. A change that could break either is reported, whichever the schema describes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
BOUNDS = (
    "minimum", "exclusiveMinimum", "minLength", "minItems",
    "maximum", "exclusiveMaximum", "maxLength", "maxItems", "pattern", "format",
)  # fmt: skip
DEEPEST = 12


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """A sentence for each change that could break a consumer or a producer."""
    return list(_compare(old, new, _Place(old, new, "")))


class _Place:
    """A place at which two schemas are compared, with the whole schemas for resolving references."""

    def __init__(self, old: Schema, new: Schema, path: str, depth: int = 0) -> None:
        self.old, self.new, self.path, self.depth = old, new, path, depth

    def inner(self, name: str) -> _Place:
        return _Place(self.old, self.new, f"{self.path}.{name}" if self.path else name, self.depth + 1)

    def __str__(self) -> str:
        return self.path or "the value"


def _compare(old: Schema, new: Schema, place: _Place) -> Iterator[str]:
    old, new = _resolved(old, place.old), _resolved(new, place.new)
    if place.depth > DEEPEST:  # a schema that refers to itself
        return
    old_kinds, new_kinds = _alternatives(old, place.old), _alternatives(new, place.new)
    if len(old_kinds) > 1 or len(new_kinds) > 1:
        yield from _compare_alternatives(old_kinds, new_kinds, place)
        return
    yield from _compare_one(old, new, place)


def _compare_alternatives(old: list[Schema], new: list[Schema], place: _Place) -> Iterator[str]:
    before = {_name(each): each for each in old}
    after = {_name(each): each for each in new}
    for name in before.keys() - after.keys():
        yield f"{place}: {name} is no longer possible"
    for name in after.keys() - before.keys():
        yield f"{place}: {name} is new, and nobody expects it"
    for name in before.keys() & after.keys():
        inner = place.inner(f"[{name}]") if "properties" in before[name] else place
        yield from _compare_one(before[name], after[name], inner)


def _compare_one(old: Schema, new: Schema, place: _Place) -> Iterator[str]:
    if _types(old) != _types(new):
        yield f"{place}: was {_types(old)}, is {_types(new)}"
        return
    before, after = _values(old), _values(new)
    if before is not None or after is not None:
        for value in sorted((before or set()) - (after or set()), key=str):
            yield f"{place}: the value {value!r} is no longer there"
        for value in sorted((after or set()) - (before or set()), key=str):
            yield f"{place}: the value {value!r} is new, and nobody expects it"
    yield from _compare_bounds(old, new, place)
    properties, others = old.get("properties", {}), new.get("properties", {})
    required, needed = set(old.get("required", ())), set(new.get("required", ()))
    for name, schema in properties.items():
        if name not in others:
            yield f"{place.inner(name)}: is gone"
            continue
        if name in required - needed:
            yield f"{place.inner(name)}: may be missing now"
        if name in needed - required:
            yield f"{place.inner(name)}: must be given now"
        yield from _compare(schema, others[name], place.inner(name))
    for name in sorted(needed - required - properties.keys()):
        yield f"{place.inner(name)}: is new and must be given"
    for part in ("items", "additionalProperties"):
        if isinstance(old.get(part), Mapping) and isinstance(new.get(part), Mapping):
            yield from _compare(old[part], new[part], place.inner("[]" if part == "items" else "*"))
    if old.get("additionalProperties", True) is not False and new.get("additionalProperties") is False:
        yield f"{place}: fields of other names are refused now"


def _compare_bounds(old: Schema, new: Schema, place: _Place) -> Iterator[str]:
    for name in BOUNDS:
        if old.get(name) != new.get(name):
            yield f"{place}: {name} was {_shown(old.get(name))}, is {_shown(new.get(name))}"


def _resolved(schema: Schema, whole: Schema) -> Schema:
    while "$ref" in schema:
        schema = whole.get("$defs", {})[schema["$ref"].rpartition("/")[2]]
    return schema


def _alternatives(schema: Schema, whole: Schema) -> list[Schema]:
    found = schema.get("anyOf") or schema.get("oneOf")
    if found is None:
        return [schema]
    return [inner for each in found for inner in _alternatives(_resolved(each, whole), whole)]


def _name(schema: Schema) -> str:
    return str(schema.get("title") or _types(schema))


def _types(schema: Schema) -> str:
    kind = schema.get("type", "any value")
    return " or ".join(sorted(kind)) if isinstance(kind, list) else str(kind)


def _values(schema: Schema) -> set[Any] | None:
    if "const" in schema:
        return {schema["const"]}
    return set(schema["enum"]) if "enum" in schema else None


def _shown(value: object) -> str:
    return "not given" if value is None else str(value)
