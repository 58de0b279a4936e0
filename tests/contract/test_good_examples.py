import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Union

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, TypeAdapter

from stream_app.intake.decoding import TimedEvent, decode
from stream_app.schemas.audit import AuditEntry
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.events import EVENT_TYPES
from stream_app.schemas.outputs import Envelope
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.schemas.topics import CATALOGUE, EVENTS, PRIVACY_REQUESTS, TOPIC_BY_CONTRACT
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
RECEIVED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC).timestamp()
CONTRACTS: dict[str, TypeAdapter[Any]] = {
    topic.name: TypeAdapter(
        Annotated[Union[topic.contracts], Field(discriminator="schema_name")]  # noqa: UP007
    )
    if len(topic.contracts) > 1
    else TypeAdapter(topic.contract)
    for topic in TOPIC_BY_CONTRACT.values()
}


def examples_of(*folders: str) -> list[object]:
    files = [file for folder in folders for file in sorted((EXAMPLES / folder).glob("*.json"))]
    return [pytest.param(file, id=f"{file.parent.name}/{file.stem}") for file in files]


def test_every_contract_has_an_example():
    wanted = {*EVENT_TYPES, *CONTRACTS, CATALOGUE.name, PRIVACY_REQUESTS.name}
    found = {file.parent.name for file in EXAMPLES.glob("*/*.json")}
    assert found == wanted


@pytest.mark.parametrize("file", examples_of(*EVENT_TYPES))
def test_event_is_taken(file: Path, validator: Callable[[str], Draft202012Validator]):
    decoded = decode(file.read_bytes(), RECEIVED_AT, INTAKE.privacy, Rules())
    assert isinstance(decoded, TimedEvent), decoded
    assert decoded.event.type == file.parent.name
    validator(EVENTS.name).validate(json.loads(file.read_bytes()))


@pytest.mark.parametrize("file", examples_of(*CONTRACTS))
def test_output_is_what_is_written(file: Path, validator: Callable[[str], Draft202012Validator]):
    written = json.loads(file.read_bytes())
    output = CONTRACTS[file.parent.name].validate_json(file.read_bytes())
    assert json.loads(output.model_dump_json()) == written
    validator(file.parent.name).validate(written)


@pytest.mark.parametrize("file", examples_of(*CONTRACTS))
def test_output_is_in_the_envelope(file: Path):
    output = CONTRACTS[file.parent.name].validate_json(file.read_bytes())
    assert isinstance(output, Envelope | AuditEntry)
    assert re.fullmatch("[0-9a-f]{32}", output.id)


@pytest.mark.parametrize("file", examples_of(CATALOGUE.name))
def test_catalogue_item_is_taken(file: Path, validator: Callable[[str], Draft202012Validator]):
    CatalogueItem.model_validate_json(file.read_bytes())
    validator(CATALOGUE.name).validate(json.loads(file.read_bytes()))


@pytest.mark.parametrize("file", examples_of(PRIVACY_REQUESTS.name))
def test_privacy_request_is_taken(file: Path, validator: Callable[[str], Draft202012Validator]):
    PrivacyRequest.model_validate_json(file.read_bytes())
    validator(PRIVACY_REQUESTS.name).validate(json.loads(file.read_bytes()))


@pytest.mark.parametrize("file", examples_of(*CONTRACTS))
def test_output_with_an_unknown_field_is_refused(
    file: Path, validator: Callable[[str], Draft202012Validator]
):
    changed = {**json.loads(file.read_bytes()), "surprise": 1}
    assert not validator(file.parent.name).is_valid(changed)
    with pytest.raises(ValueError, match="surprise"):
        CONTRACTS[file.parent.name].validate_json(json.dumps(changed))
