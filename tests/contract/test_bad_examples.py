import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from stream_app.intake.decoding import Failure, TimedEvent, decode
from stream_app.schemas.events import EVENT_TYPES
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
RECEIVED_AT = datetime(2026, 3, 9, 12, tzinfo=UTC).timestamp()
BAD_FILES = sorted(EXAMPLES.glob("*/bad/*"))
# The schema sees the form of an event; whether a time is real and near is for the product to judge.
SEEN_BY_SCHEMA = {
    FailureReason.CONTRACT,
    FailureReason.MISSING_TIME,
    FailureReason.MISSING_USER,
    FailureReason.NOT_AN_OBJECT,
    FailureReason.UNKNOWN_TYPE,
}
NOT_SEEN = {"contract--received-at-not-a-time", "contract--infinite-value"}
DECIDED_ELSEWHERE = {
    FailureReason.LATE,
    FailureReason.TOO_LARGE_OUTPUT,
    FailureReason.UNPROCESSABLE,
    FailureReason.UNTRUSTED,
}
TESTED_WITHOUT_FILE = {FailureReason.NULL_VALUE, FailureReason.TOO_LARGE}


def reason_of(file: Path) -> FailureReason:
    return FailureReason(file.name.partition("--")[0])


@pytest.mark.parametrize("file", BAD_FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_bad_event_is_refused_for_its_reason(file: Path):
    failure = decode(file.read_bytes(), RECEIVED_AT, INTAKE.privacy, Rules())
    assert isinstance(failure, Failure)
    assert failure.reason == reason_of(file), failure.detail


@pytest.mark.parametrize(
    "file",
    [file for file in BAD_FILES if reason_of(file) in SEEN_BY_SCHEMA and file.stem not in NOT_SEEN],
    ids=lambda file: f"{file.parts[-3]}/{file.stem}",
)
def test_schema_refuses_it_too(file: Path, validator: Callable[[str], Draft202012Validator]):
    assert not validator(EVENTS.name).is_valid(json.loads(file.read_bytes()))


@pytest.mark.parametrize(
    "file", sorted(EXAMPLES.glob("*/mended/*")), ids=lambda file: f"{file.parts[-3]}/{file.stem}"
)
def test_what_the_contract_refuses_for_an_optional_field_is_taken_without_it(
    file: Path, validator: Callable[[str], Draft202012Validator]
):
    decoded = decode(file.read_bytes(), RECEIVED_AT, INTAKE.privacy, Rules())
    assert isinstance(decoded, TimedEvent), decoded
    # A number for an id is put right, and all else taken out by name.
    assert bool(decoded.dropped) is (file.stem != "numeric-user-id")
    assert file.stem == "received-at-not-a-time" or not validator(EVENTS.name).is_valid(
        json.loads(file.read_bytes())
    )


def test_a_record_without_a_value_is_refused():
    assert decode(None, RECEIVED_AT, INTAKE.privacy, Rules()).reason == FailureReason.NULL_VALUE


@pytest.mark.parametrize(("surplus", "is_refused"), [(0, False), (1, True)])
def test_size_is_bounded(surplus: int, is_refused: bool):
    rules = Rules()
    event = {"type": "page", "userId": "u-1042", "timestamp": "2026-03-02T08:00:05Z", "filler": ""}
    room = rules.max_event_bytes - len(json.dumps(event)) + surplus
    decoded = decode(json.dumps({**event, "filler": "x" * room}).encode(), RECEIVED_AT, INTAKE.privacy, rules)
    assert isinstance(decoded, Failure) is is_refused
    if isinstance(decoded, Failure):
        assert decoded.reason == FailureReason.TOO_LARGE


def test_every_reason_and_type_has_a_bad_example():
    shown = {reason_of(file) for file in BAD_FILES}
    assert shown == set(FailureReason) - DECIDED_ELSEWHERE - TESTED_WITHOUT_FILE
    assert {file.parts[-3] for file in BAD_FILES} == {*EVENT_TYPES, EVENTS.name}


@pytest.fixture
def _far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_utc")
def test_a_time_without_offset_is_utc():
    event = {"type": "page", "userId": "u-1042", "timestamp": "2026-03-02T08:00:05"}
    decoded = decode(json.dumps(event).encode(), RECEIVED_AT, INTAKE.privacy, Rules())
    assert isinstance(decoded, TimedEvent)
    assert decoded.at == datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, True), (300, True), (300.001, False)])
def test_skew_is_allowed_up_to_its_bound(seconds: float, is_taken: bool):
    at = datetime.fromtimestamp(RECEIVED_AT + seconds, UTC).isoformat()
    decoded = decode(
        json.dumps({"type": "page", "userId": "u", "timestamp": at}).encode(),
        RECEIVED_AT,
        INTAKE.privacy,
        Rules(),
    )
    assert isinstance(decoded, Failure) is not is_taken
