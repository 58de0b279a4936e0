"""The contracts as JSON Schema (draft 2020-12), one file each: `python -m schemas.export [--check]`.

Inputs are described as they are sent, outputs as they are written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Union

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.schemas.topics import EVENTS, TOPICS, Role

SCHEMA_FOLDER = Path(__file__).with_name("json")


class _UntitledFields(GenerateJsonSchema):
    """Pydantic's titles of fields ("Messageid") say less than their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def render_schemas() -> dict[str, str]:
    """The text of every schema file, by file name."""
    contracts: list[tuple[str, TypeAdapter[Any], JsonSchemaMode]] = [
        (EVENTS.name, EVENT_ADAPTER, "validation"),
    ]
    for topic in TOPICS:
        if topic.contract is not None:
            mode: JsonSchemaMode = "validation" if topic.role is Role.INPUT else "serialization"
            union: Any = Union[topic.contracts]  # noqa: UP007  # known only here, which `|` cannot say
            contracts.append((topic.name, TypeAdapter(union), mode))
    return {f"{name}.json": _render(name, adapter, mode) for name, adapter, mode in contracts}


def write_schemas(folder: Path = SCHEMA_FOLDER) -> None:
    """Make the folder hold the current schemas and no others."""
    current = render_schemas()
    folder.mkdir(parents=True, exist_ok=True)
    for name in _stored(folder) - current.keys():
        (folder / name).unlink()
    for name, text in current.items():
        (folder / name).write_text(text, encoding="utf-8")


def find_stale(folder: Path = SCHEMA_FOLDER) -> list[str]:
    """Names of files that are missing, differ from the contracts or belong to none, sorted."""
    current = render_schemas()
    stored = _stored(folder)
    changed = {
        name for name in stored & current.keys() if (folder / name).read_text("utf-8") != current[name]
    }
    return sorted(changed | (stored ^ current.keys()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the schemas; with `--check`, name those out of date and return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m schemas.export", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    parser.add_argument("--folder", type=Path, default=SCHEMA_FOLDER, help="where the files lie")
    given = parser.parse_args(arguments)
    if not given.check:
        write_schemas(given.folder)
        return 0
    stale = find_stale(given.folder)
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python -m schemas.export\n")
    return 1 if stale else 0


def _render(name: str, adapter: TypeAdapter[Any], mode: JsonSchemaMode) -> str:
    schema = adapter.json_schema(mode=mode, schema_generator=_UntitledFields)
    schema |= {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"urn:stream-app:{name}"}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _stored(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.json")}


if __name__ == "__main__":
    sys.exit(main())
