"""What a change to a contract would break."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command_line import CommandLine

from stream_app.schemas.compatibility import breaking_changes

SCHEMAS = Path(__file__).parents[3] / "schemas" / "json"
TIERS = orjson.loads((SCHEMAS / "engagement.tiers.v1.json").read_bytes())

Change = Callable[[dict[str, Any]], object]
BREAKING: dict[str, tuple[Change, str]] = {
    "a field goes": (lambda s: s["properties"].pop("tier_name"), "tier_name: is gone"),
    "a field may be missing": (lambda s: s["required"].remove("tier"), "tier: may be missing now"),
    "a field is another type": (
        lambda s: s["properties"].__setitem__("tier_name", {"type": "integer"}),
        "tier_name: was string, is integer",
    ),
    "a new field must be given": (lambda s: s["required"].append("plan"), "plan: is new and must be given"),
    "a bound moves": (
        lambda s: s["$defs"]["ModelStamp"]["properties"]["version"].update(minimum=7),
        "model.[ModelStamp].version: minimum was",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKING)
def test_what_would_break_somebody_is_told(name: str) -> None:
    change, sentence = BREAKING[name]
    new = copy.deepcopy(TIERS)
    change(new)
    told = breaking_changes(TIERS, new)
    assert any(sentence in line for line in told), told


def test_a_value_more_or_less_is_told() -> None:
    old = {"enum": ["low", "high"], "type": "string"}
    assert breaking_changes(old, {**old, "enum": ["low", "top"]}) == [
        "the value: the value 'high' is no longer there",
        "the value: the value 'top' is new, and nobody expects it",
    ]
    assert breaking_changes({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}) == [
        "the value: null is no longer possible"
    ]


def test_what_is_added_and_may_be_missing_breaks_nobody() -> None:
    new = copy.deepcopy(TIERS)
    new["properties"]["plan"] = {"type": "string"}
    assert breaking_changes(TIERS, new) == []


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_a_contract_breaks_nothing_of_itself(path: Path) -> None:
    schema = orjson.loads(path.read_bytes())
    assert breaking_changes(schema, schema) == []


def test_folders_are_compared_by_topic(tmp_path: Path, command_line: CommandLine) -> None:
    for path in SCHEMAS.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    same = command_line.run("contracts", "check", SCHEMAS, tmp_path)
    assert (same.code, "nothing in it would break" in same.out) == (0, True)
    (tmp_path / "engagement.tiers.v1.json").unlink()
    ended = command_line.run("contracts", "check", SCHEMAS, tmp_path)
    assert ended.code == 8
    assert "engagement.tiers.v1 is gone" in ended.out
    assert "1 changes would break" in ended.err


def test_what_is_no_schema_is_told(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "a.json").write_text("[]")
    command_line.run("contracts", "check", tmp_path / "a.json", tmp_path / "a.json").assert_refused(
        "is no JSON Schema"
    )
    command_line.run("contracts", "check", tmp_path / "b.json", tmp_path / "a.json").assert_refused(
        "cannot be read"
    )
