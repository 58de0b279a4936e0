from typing import Any

import pytest

from stream_app.serving.collector.receipt import MAX_USER_AGENT, Receipt

RECEIVED_AT = "2026-01-01T00:00:00.250Z"
EARLIER, SENT_AT = "2025-12-31T10:00:00Z", "2025-12-31T10:00:05Z"


def stamp(
    address: str = "192.0.2.1", user_agent: str = "Mozilla/5.0 (agent)", **event: Any
) -> dict[str, Any]:
    return Receipt(1_767_225_600.25, address, user_agent).stamp(event)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"timestamp": RECEIVED_AT}),
        ({"timestamp": None, "sentAt": SENT_AT}, {"timestamp": RECEIVED_AT, "sentAt": SENT_AT}),
        ({"timestamp": EARLIER}, {"timestamp": EARLIER}),
        ({"timestamp": EARLIER, "sentAt": SENT_AT}, {"originalTimestamp": EARLIER, "sentAt": SENT_AT}),
        ({"originalTimestamp": EARLIER}, {"originalTimestamp": EARLIER}),
        (
            {"timestamp": RECEIVED_AT, "originalTimestamp": EARLIER, "sentAt": SENT_AT},
            {"timestamp": RECEIVED_AT, "originalTimestamp": EARLIER, "sentAt": SENT_AT},
        ),
        ({"timestamp": "never"}, {"timestamp": "never"}),
    ],
)
def test_times_are_named_as_segments_servers_name_them(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    times = {
        name: value for name, value in stamp(**given).items() if name.endswith(("stamp", "tAt", "Timestamp"))
    }
    assert times == expected


def test_the_senders_receipt_is_replaced() -> None:
    assert stamp(receivedAt=EARLIER)["receivedAt"] == RECEIVED_AT


@pytest.mark.parametrize("absent", [{}, {"messageId": None}, {"messageId": ""}])
def test_an_id_is_made_only_where_there_is_none(absent: dict[str, Any]) -> None:
    first, second = stamp(**absent)["messageId"], stamp(**absent)["messageId"]
    assert first != second
    assert len(first) == 36
    assert stamp(messageId="m")["messageId"] == "m"
    assert stamp(messageId=5)["messageId"] == 5  # bad as it is: the core says so


def test_origin_is_filled_in_where_the_sender_gave_none() -> None:
    assert stamp()["context"] == {"ip": "192.0.2.1", "userAgent": "Mozilla/5.0 (agent)"}
    given = {"ip": "0.0.0.0", "userAgent": None, "locale": None}
    assert stamp(context=given)["context"] == {
        "ip": "0.0.0.0",
        "userAgent": "Mozilla/5.0 (agent)",
        "locale": None,
    }
    assert stamp(context=[1])["context"] == [1]
    assert stamp(address="", user_agent="")["context"] == {}
    assert len(stamp(user_agent="Mozilla/5.0 " + "x" * 9000)["context"]["userAgent"]) == MAX_USER_AGENT


def test_the_write_key_is_not_kept_and_the_event_not_changed() -> None:
    event = {"writeKey": "secret", "type": "page", "context": {"locale": "de"}}
    assert "writeKey" not in Receipt(0.0, "192.0.2.1", "").stamp(event)
    assert event == {"writeKey": "secret", "type": "page", "context": {"locale": "de"}}
