from typing import Any

import orjson
import pytest

from stream_app.intake.trackers import read
from stream_app.intake.trackers.kept_fields import MAX_FIELDS


def capture(event: str = "x", **properties: Any) -> dict[str, Any]:
    (found,) = read(orjson.dumps({"event": event, "distinct_id": "d-1", "properties": properties}), "posthog")
    return found


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, {"userId": "d-1"}),
        ({"$is_identified": True, "$device_id": "d-1"}, {"userId": "d-1"}),
        ({"$user_id": "u-1", "$device_id": "d-1"}, {"userId": "u-1"}),
        ({"$device_id": "d-0"}, {"userId": "d-1"}),
        ({"$device_id": "d-1"}, {"anonymousId": "d-1"}),
        ({"$is_identified": False}, {"anonymousId": "d-1"}),
        ({"$process_person_profile": False}, {"anonymousId": "d-1"}),
    ],
)
def test_who_the_user_is(properties: dict[str, Any], expected: dict[str, str]) -> None:
    event = capture(**properties)
    assert {name: event[name] for name in ("userId", "anonymousId") if name in event} == expected
    assert event["properties"] == {}


@pytest.mark.parametrize("event", ["$create_alias", "$merge_dangerously"])
def test_merges_are_aliases(event: str) -> None:
    assert capture(event, alias="old") == {"type": "alias", "previousId": "old", "userId": "d-1"}


def test_a_set_is_an_identify() -> None:
    event = capture("$set", **{"$set": {"plan": "plus"}, "left": 1})
    assert event == {
        "type": "identify",
        "userId": "d-1",
        "traits": {"plan": "plus"},
        "context": {"left": 1},
    }


def test_the_site_s_own_properties_are_kept_before_posthog_s() -> None:
    flags = {f"$feature/f{number}": True for number in range(MAX_FIELDS)}
    kept = capture(**flags, plan="plus")["properties"]
    assert len(kept) == MAX_FIELDS
    assert kept["plan"] == "plus"


def test_no_key_of_the_project_is_kept() -> None:
    body = {"api_key": "phc_secret", "event": "x", "distinct_id": "d", "properties": {"token": "phc_secret"}}
    assert "phc_secret" not in str(read(orjson.dumps(body), "posthog"))


def test_the_event_name_is_cut() -> None:
    assert capture("n" * 300)["event"] == "n" * 256


@pytest.mark.parametrize("properties", ["{", "7", 7, None, []])
def test_properties_that_are_no_object_count_as_none(properties: Any) -> None:
    body = {"event": "x", "distinct_id": "d-1", "properties": properties}
    assert read(orjson.dumps(body), "posthog") == [
        {"type": "track", "event": "x", "userId": "d-1", "properties": {}}
    ]
