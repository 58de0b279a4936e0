import orjson
import pytest
from support.collector_client import Collector

from stream_app.intake.trackers import MAX_EVENTS
from stream_app.serving.collector.batch_bounds import MOST_OBJECTS

PAGE = {"type": "page", "userId": "u"}
BATCHES = {
    "/v1/batch": lambda members: {"batch": members},
    "/batch": lambda members: {"api_key": "k", "batch": members},
    "/com.snowplowanalytics.snowplow/tp2": lambda members: {
        "schema": "iglu:x/payload_data/y",
        "data": members,
    },
}


@pytest.mark.parametrize("path", BATCHES)
@pytest.mark.parametrize("member", [{}, PAGE], ids=["empty", "page"])
@pytest.mark.parametrize("count", [MAX_EVENTS + 1, 20_001])
def test_a_batch_of_too_many_members_is_refused_before_any_is_looked_at(
    path: str, member: dict[str, object], count: int
) -> None:
    handled: list[dict[str, object]] = []

    def scrub(event: dict[str, object]) -> dict[str, object]:
        handled.append(event)
        return event

    collector = Collector(scrub, collector_body_bytes=10_000_000)
    answer = collector.client.post(path, content=orjson.dumps(BATCHES[path]([member] * count)))
    assert answer.status_code == 413
    assert str(MAX_EVENTS) in answer.json()["message"]
    assert handled == []
    assert collector.delivery.values == []
    assert collector.refused("too_large") == 1


@pytest.mark.parametrize("member", [b"{}", b"[]", b"0", b"[[[[", b'{"a":{}}'])
def test_a_body_of_more_values_than_any_batch_is_refused_by_its_characters(member: bytes) -> None:
    collector = Collector(collector_body_bytes=10_000_000)
    body = b'{"batch":[' + b",".join([member] * 600_000) + b"]}"
    answer = collector.client.post("/v1/batch", content=body)
    assert answer.status_code == 413
    assert str(MOST_OBJECTS) in answer.json()["message"]


def test_the_largest_batch_is_taken() -> None:
    collector = Collector(collector_body_bytes=1_000_000)
    answer = collector.client.post("/v1/batch", json={"batch": [PAGE] * MAX_EVENTS})
    assert answer.status_code == 200
    assert len(collector.delivery.values) == MAX_EVENTS


def test_a_context_that_is_shared_by_many_cannot_fill_the_memory() -> None:
    collector = Collector()
    shared = {"context": {"a": "x" * 300_000}, "batch": [PAGE] * 1_000}
    answer = collector.client.post("/v1/batch", json=shared)
    assert answer.status_code == 413
    assert "share less" in answer.json()["message"]
    assert collector.delivery.values == []
