from collections import Counter
from random import Random

import orjson
import pytest

from stream_app.intake.decoding import Failure, TimedEvent, decode
from stream_app.schemas.outputs import FailureReason
from stream_app.settings.rules import Rules
from stream_app.testing import (
    INTAKE,
    RECEIVED_AT,
    START,
    event,
    label,
    malformed,
    page,
    session,
    track,
)

RULES = Rules()


@pytest.mark.parametrize("seed", range(20))
def test_each_kind_of_malformed_value_gets_its_reason(seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        bad = malformed(random)
        found = decode(bad.value, RECEIVED_AT, INTAKE.privacy, RULES)
        assert isinstance(found, Failure)
        assert found.reason == bad.reason
        assert found.detail


def test_the_generator_knows_all_reasons_that_a_value_alone_can_give() -> None:
    reasons = Counter(malformed(Random(seed)).reason for seed in range(400))
    of_more = {FailureReason.NULL_VALUE, FailureReason.LATE, FailureReason.UNTRUSTED}
    of_more |= {FailureReason.UNPROCESSABLE, FailureReason.TOO_LARGE_OUTPUT}
    assert set(reasons) == set(FailureReason) - of_more


def test_a_null_value_is_told_from_an_empty_one() -> None:
    assert decode(None, RECEIVED_AT, INTAKE.privacy, RULES).reason == FailureReason.NULL_VALUE
    assert decode(b"", RECEIVED_AT, INTAKE.privacy, RULES).reason == FailureReason.BAD_JSON


@pytest.mark.parametrize(
    "value",
    [
        page("u", 5.0, "item"),
        track("u", 5.0, "Product Clicked"),
        event("screen", "u", 5.0),
        event("identify", "u", 5.0, traits={"age": 5}),
        event("group", "u", 5.0, groupId="g"),
        session("u", 5.0, 60.0, 3),
        label("u", 5.0, 2),
    ],
)
def test_good_events_come_with_their_user_and_time(value: bytes) -> None:
    found = decode(value, RECEIVED_AT, INTAKE.privacy, RULES)
    assert isinstance(found, TimedEvent)
    assert (found.user_key, found.at, found.event.type) == ("u", START + 5, orjson.loads(value)["type"])


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("2024-03-04T08:00:00Z", START),
        ("2024-03-04T08:00:00", START),
        ("2024-03-04T10:00:00+02:00", START),
        (START, START),
        ("2024-03-04T08:00:00.250Z", START + 0.25),
    ],
)
def test_times_without_an_offset_are_utc(timestamp: str | float, seconds: float) -> None:
    value = orjson.dumps({"type": "page", "userId": "u", "timestamp": timestamp})
    assert decode(value, RECEIVED_AT, INTAKE.privacy, RULES).at == seconds


@pytest.mark.parametrize(
    ("after_receipt", "is_taken"), [(-1e6, True), (0, True), (300, True), (300.01, False), (1e6, False)]
)
def test_an_event_may_lie_only_so_far_ahead_of_its_receipt(after_receipt: float, is_taken: bool) -> None:
    value = page("u", after_receipt)
    assert isinstance(decode(value, START, INTAKE.privacy, RULES), TimedEvent) == is_taken
    told = page("u", after_receipt, receivedAt=START)
    assert isinstance(decode(told, RECEIVED_AT, INTAKE.privacy, RULES), TimedEvent) == is_taken


def test_the_known_user_goes_before_the_anonymous_one() -> None:
    value = {"type": "page", "timestamp": START, "anonymousId": "a"}
    assert decode(orjson.dumps(value), RECEIVED_AT, INTAKE.privacy, RULES).user_key == "a"
    assert decode(orjson.dumps(value | {"userId": "u"}), RECEIVED_AT, INTAKE.privacy, RULES).user_key == "u"


def test_a_detail_names_fields_and_never_their_values() -> None:
    value = label("secret-user", 0.0, "secret-value" * 100, features={"secret-name": []})
    found = decode(value, RECEIVED_AT, INTAKE.privacy, RULES)
    assert found.reason == FailureReason.CONTRACT
    assert "properties.value" in found.detail
    assert "secret" not in found.detail


def test_the_largest_event_is_taken_and_a_byte_more_is_not() -> None:
    size = len(page("u", 0.0, name=""))
    rules = Rules(max_event_bytes=size + 1_000)
    assert isinstance(
        decode(page("u", 0.0, name="x" * 1_000), RECEIVED_AT, INTAKE.privacy, rules), TimedEvent
    )
    assert (
        decode(page("u", 0.0, name="x" * 1_001), RECEIVED_AT, INTAKE.privacy, rules).reason
        == FailureReason.TOO_LARGE
    )


def corrected(**times: float) -> float | str:
    """The event time, in seconds after `START`, of an event with those times, or why it has none."""
    fields = {name: START + at for name, at in times.items()}
    value = orjson.dumps({"type": "page", "userId": "u", **fields})
    found = decode(value, RECEIVED_AT, INTAKE.privacy, RULES)
    return found.at - START if isinstance(found, TimedEvent) else found.reason


@pytest.mark.parametrize(
    ("times", "at"),
    [
        ({"timestamp": 5, "originalTimestamp": 500, "sentAt": 501, "receivedAt": 9}, 5),
        ({"originalTimestamp": 5}, 5),
        ({"originalTimestamp": 5, "sentAt": 7}, 5),
        ({"originalTimestamp": 5, "receivedAt": 9}, 5),
        ({"originalTimestamp": 5, "sentAt": 7, "receivedAt": 9}, 7),
        ({"originalTimestamp": 9e4, "sentAt": 9e4 + 2, "receivedAt": 9}, 7),
        ({"originalTimestamp": -9e4, "sentAt": -9e4 + 2, "receivedAt": 9}, 7),
        ({"originalTimestamp": 0, "sentAt": 3_600, "receivedAt": 3_601}, 1),
        ({"originalTimestamp": 900, "sentAt": 0, "receivedAt": 9}, FailureReason.TIME_OUT_OF_RANGE),
        ({"sentAt": 5, "receivedAt": 9}, FailureReason.MISSING_TIME),
    ],
)
def test_a_devices_clock_is_corrected_by_how_far_it_was_off(times: dict[str, float], at: float | str) -> None:
    assert corrected(**times) == at


@pytest.mark.parametrize("received_at", [START + 60, RECEIVED_AT])
def test_event_time_does_not_depend_on_when_a_replay_reads_it(received_at: float) -> None:
    value = orjson.dumps({"type": "page", "userId": "u", "originalTimestamp": START, "sentAt": START + 2})
    assert decode(value, received_at, INTAKE.privacy, RULES).at == START


def test_another_trackers_record_is_read_by_its_shape_or_by_the_form_that_is_set() -> None:
    value = orjson.dumps({"user_id": "u", "item_id": "a", "event": "view", "ts": "2024-03-04T08:00:05Z"})
    for form in ("", "flat"):
        found = decode(value, RECEIVED_AT, INTAKE.privacy, Rules(tracker_form=form))
        assert isinstance(found, TimedEvent)
        assert (found.user_key, found.at, found.event.properties) == ("u", START + 5, {"product_id": "a"})
    refused = decode(value, RECEIVED_AT, INTAKE.privacy, Rules(tracker_form="segment"))
    assert refused.reason == FailureReason.UNKNOWN_TYPE
