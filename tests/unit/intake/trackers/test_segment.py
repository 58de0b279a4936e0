import orjson

from stream_app.intake.trackers import read


def test_the_time_of_an_event_that_a_server_corrected_stays() -> None:
    corrected = {
        "type": "page",
        "userId": "u",
        "timestamp": "2026-03-02T08:00:05Z",
        "sentAt": "2026-03-02T08:00:06Z",
        "receivedAt": "2026-03-02T08:00:07Z",
    }
    assert read(orjson.dumps(corrected), "segment") == [corrected]


def test_a_context_that_is_no_object_is_left_to_the_contract() -> None:
    body = {"batch": [{"type": "page", "context": "home"}], "context": {"ip": "192.0.2.1"}}
    (event,) = read(orjson.dumps(body), "segment")
    assert event["context"] == "home"


def test_events_of_a_batch_do_not_share_their_context() -> None:
    body = {"batch": [{"type": "page"}, {"type": "page"}], "context": {"ip": "192.0.2.1"}}
    first, second = read(orjson.dumps(body), "segment")
    first["context"]["ip"] = None
    assert second["context"]["ip"] == "192.0.2.1"
