from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import orjson

from stream_app.simulation.browsing import read_sessions


def view(turn: int, item: str | None, minute: float, **fields: object) -> dict[str, object]:
    at = datetime.fromtimestamp(minute * 60, UTC).isoformat()
    properties = {} if item is None else {"product_id": item}
    event = {"type": "page", "messageId": str(turn), "timestamp": at, "properties": properties, "context": {}}
    return {**event, "userId": "u1", **fields}


def test_sessions_end_after_half_an_hour_and_repeats_count_once(tmp_path: Path) -> None:
    phone = {"device": {"type": "mobile"}, "location": {"country": "DE"}}
    events = [
        view(1, "b", 30),
        view(2, "a", 0, context=phone),  # late: sessions follow the time of the events
        view(2, "a", 0, context=phone),
        view(3, None, 31),
        view(4, "x", 32, type="track"),
        view(5, "c", 61),
        view(6, "d", 10, userId=None, anonymousId="cookie", type="screen"),
    ]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, events)))
    assert [(session.visitor, session.items, session.times) for session in read_sessions(path)] == [
        ("cookie", ["d"], [600.0]),
        ("u1", ["a", "b"], [0.0, 1_800.0]),
        ("u1", ["c"], [3_660.0]),
    ]
    assert read_sessions(path)[1][3:] == ("mobile", "DE")


def test_sessions_of_a_simulation_are_its_visits(written) -> None:
    visits = Counter(
        tuple(visit["items"]) for visit in written.truths["visit"] if not visit["is_anonymous_at_first"]
    )
    found = Counter(
        tuple(session.items)
        for session in read_sessions(written.summary.events_path)
        if session.visitor.startswith("u")
    )
    common = sum((visits & found).values())
    assert common > 0.93 * sum(visits.values())
