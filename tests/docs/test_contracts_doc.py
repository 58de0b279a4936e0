import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stream_app.intake.decoding import TimedEvent, decode
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.events import EVENT_TYPES, BaseEvent, Context
from stream_app.schemas.export import SCHEMA_FOLDER
from stream_app.schemas.outputs import Envelope, FailureReason
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.schemas.topics import (
    CATALOGUE,
    DAY_SECONDS,
    EVENTS,
    PRIVACY_REQUESTS,
    TOPIC_BY_CONTRACT,
    TOPICS,
    Topic,
    rows_changelog,
)
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

DOCUMENT = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text("utf-8")
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.+?)```", DOCUMENT, re.DOTALL)]
EVENT_EXAMPLES = [example for example in EXAMPLES if "type" in example]
OUTPUT_EXAMPLES = [example for example in EXAMPLES if "schema_name" in example]
OTHERS = [example for example in EXAMPLES if not {"type", "schema_name"} & example.keys()]
CONTRACT_BY_SCHEMA = {
    contract.model_fields["schema_name"].default: contract for contract in TOPIC_BY_CONTRACT
}
RECEIVED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC).timestamp()


def table_under(header: str) -> list[list[str]]:
    """Cells of the rows of the one table whose header line begins so."""
    _, found, rest = DOCUMENT.partition(f"\n| {header} |")
    assert found, f"no table with the header {header}"
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def schema_of(contract: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMA_FOLDER / f"{contract}.json").read_text("utf-8")))


def describe(topic: Topic) -> list[str]:
    """The topic's row as it must stand in the document."""
    match topic:
        case _ if topic is EVENTS:
            shown = "the events above"
        case _ if topic is PRIVACY_REQUESTS:
            shown = "a privacy request"
        case _ if topic is CATALOGUE:
            shown = "a catalogue item"
        case Topic(contract=None):
            shown = "bytes, internal"
        case _:
            names = [contract.model_fields["schema_name"].default for contract in topic.contracts]
            shown = ", ".join(f"`{name}`" for name in names)
    return [
        f"`{topic.name}`",
        topic.role.value,
        topic.key.text,
        shown,
        "as set" if topic.partitions is None else str(topic.partitions),
        "compacted" if topic.retention is None else f"{topic.retention // DAY_SECONDS} days",
    ]


def test_topics_table_is_the_declared_topics():
    declared = [*TOPICS, rows_changelog("<app id>")]
    assert table_under("Topic") == [describe(topic) for topic in declared]


def test_reasons_table_is_the_failure_reasons():
    rows = table_under("Reason")
    assert [row[0] for row in rows] == [f"`{reason}`" for reason in FailureReason]
    assert all(happened and advice for _, happened, advice in rows)


def test_rules_table_is_the_default_rules():
    rules = Rules()
    assert dict(table_under("Rule")) == {
        "allowed lateness": f"{rules.allowed_lateness:.0f} s",
        "allowed skew": f"{rules.allowed_skew:.0f} s",
        "earliest time": datetime.fromtimestamp(rules.earliest_time, UTC).date().isoformat(),
        "largest event": f"{rules.max_event_bytes} bytes",
        "session ends after inactivity of": f"{rules.session_gap:.0f} s",
    }


def test_field_tables_are_the_contracts_fields():
    fields, envelope = table_under("Field"), DOCUMENT[DOCUMENT.index("## Outputs") :]
    named = {name for row in fields for name in re.findall(r"`(\w+)`", row[0])}
    wire = {field.alias for field in BaseEvent.model_fields.values()}
    assert named == wire | {"type", "properties", "traits"}
    (context,) = [row[2] for row in fields if row[0] == "`context`"]
    parts = {name.partition(".")[0] for name in re.findall(r"`([\w.]+)`", context)}
    assert parts == {field.alias for field in Context.model_fields.values()}
    rows = envelope.partition("| Field |")[2].split("\n\n")[0].splitlines()[2:]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == {*Envelope.model_fields, "schema_name"}


def test_every_contract_has_an_example():
    assert [example["type"] for example in EVENT_EXAMPLES] == list(EVENT_TYPES)
    assert {example["schema_name"] for example in OUTPUT_EXAMPLES} == set(CONTRACT_BY_SCHEMA)
    assert len(EXAMPLES) == len(EVENT_EXAMPLES) + len(OUTPUT_EXAMPLES) + len(OTHERS)


@pytest.mark.parametrize("example", EVENT_EXAMPLES, ids=lambda example: example["type"])
def test_event_example_is_taken(example: dict[str, Any]):
    assert isinstance(decode(json.dumps(example).encode(), RECEIVED_AT, INTAKE.privacy, Rules()), TimedEvent)
    schema_of(EVENTS.name).validate(example)


@pytest.mark.parametrize("example", OUTPUT_EXAMPLES, ids=lambda example: example["schema_name"])
def test_output_example_is_what_is_written(example: dict[str, Any]):
    contract = CONTRACT_BY_SCHEMA[example["schema_name"]]
    topic = TOPIC_BY_CONTRACT[contract]
    output = contract.model_validate_json(json.dumps(example))
    assert json.loads(output.model_dump_json()) == example
    schema_of(topic.name).validate(example)
    assert re.fullmatch("[0-9a-f]{32}", example["id"])


def test_catalogue_example_is_taken():
    (item,) = [example for example in OTHERS if "kind" in example and "item_id" in example]
    CatalogueItem.model_validate_json(json.dumps(item))
    schema_of(CATALOGUE.name).validate(item)


def test_privacy_request_example_is_taken():
    (request,) = [example for example in OTHERS if "request_id" in example]
    PrivacyRequest.model_validate_json(json.dumps(request))
    schema_of(PRIVACY_REQUESTS.name).validate(request)


def test_links_lead_somewhere():
    anchors = {
        re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))
        for title in re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", DOCUMENT):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (Path(__file__).parents[2] / "docs" / target.partition("#")[0]).exists(), target
