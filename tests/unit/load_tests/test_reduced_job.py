"""The job that all contenders are checked by, against sums over the whole stream."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from load_tests import reduced_job
from load_tests.reduced_job import DAY, HOUR, KEPT_WINDOWS, RECENT_IDS

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def event(user: str, number: int, at: float, **properties: float) -> dict[str, object]:
    return {
        "messageId": f"m{number}",
        "type": "page",
        "userId": user,
        "timestamp": (BEGIN + timedelta(seconds=at)).isoformat(),
        "properties": properties,
        "context": {"passed": "over"},
    }


events = st.builds(
    event,
    st.sampled_from(["ann", "ben"]),
    st.integers(0, 40),
    st.integers(0, 5 * DAY),
    price=st.floats(0, 1_000).map(lambda price: round(price, 2)),
)


def expected(stream: list[dict[str, object]]) -> list[dict[str, object]]:
    """Each output by looking through all that came before it."""
    taken: dict[str, list[dict[str, object]]] = defaultdict(list)
    outputs = []
    for event in stream:
        user = str(event["userId"])
        before = taken[user]
        if event["messageId"] in [other["messageId"] for other in before[-RECENT_IDS:]]:
            continue
        before.append(event)
        output = {"id": event["messageId"], "user": user}
        for name, length in (("hour", HOUR), ("day", DAY)):
            starts: list[int] = []  # the windows that are kept, and those of each event if it counted
            counted = []
            for other in before:
                start = int(datetime.fromisoformat(str(other["timestamp"])).timestamp()) // length * length
                counts = start in starts or len(starts) < KEPT_WINDOWS or start > min(starts)
                starts = sorted({*starts, start})[-KEPT_WINDOWS:] if counts else starts
                counted.append((start, counts, round(other["properties"]["price"] * 100)))
            start, counts, _ = counted[-1]
            same = [cents for begin, counted_, cents in counted if counts and counted_ and begin == start]
            output |= {name: start, f"{name}_count": len(same), f"{name}_cents": sum(same)}
        outputs.append(output)
    return outputs


@given(st.lists(events, max_size=60))
def test_outputs_are_those_of_a_search_through_the_whole_stream(stream: list[dict[str, object]]) -> None:
    outputs = reduced_job.run(map(orjson.dumps, stream))
    assert [orjson.loads(output) for output in outputs] == expected(stream)


@given(st.lists(events, max_size=60))
def test_a_row_that_is_stored_after_each_event_gives_the_same(stream: list[dict[str, object]]) -> None:
    rows: dict[str, bytes] = {}
    outputs = []
    for value in map(orjson.dumps, stream):
        decoded = reduced_job.decode_event(value)
        assert decoded is not None
        user = reduced_job.user_of(decoded)
        row = reduced_job.decode_row(rows.get(user, reduced_job.encode_row(reduced_job.Row())))
        totals = reduced_job.update(row, decoded)
        rows[user] = reduced_job.encode_row(row)
        outputs += [reduced_job.encode_totals(totals)] if totals is not None else []
    assert outputs == list(reduced_job.run(map(orjson.dumps, stream)))


def test_records_that_are_no_events_are_refused() -> None:
    good = event("ann", 1, 0, price=3.0)
    assert reduced_job.decode_event(orjson.dumps(good)) is not None
    broken = [
        {**good, "messageId": ""},
        {**good, "type": "unheard of"},
        {**good, "type": "track"},
        {**good, "timestamp": "2026-03-02T00:00:00"},
        {**good, "userId": None},
        {**good, "properties": {"price": -1}},
    ]
    values = [*map(orjson.dumps, broken), b"{", b"", orjson.dumps({"userId": "ann"})]
    assert [reduced_job.decode_event(value) for value in values] == [None] * len(values)
    assert list(reduced_job.run(values)) == []


def test_revenue_goes_before_price_and_cents_are_rounded_half_up() -> None:
    stream = [
        event("ann", 1, 0, price=1.0, revenue=2.125),
        event("ann", 2, 0, price=0.005),
        event("ann", 3, 0),
    ]
    cents = [orjson.loads(output)["hour_cents"] for output in reduced_job.run(map(orjson.dumps, stream))]
    assert cents == [213, 214, 214]


def test_a_repeat_is_known_for_as_long_as_its_id_is_kept() -> None:
    numbers = [*range(RECENT_IDS + 1), 1, 0]
    outputs = reduced_job.run(orjson.dumps(event("ann", number, 0, price=1.0)) for number in numbers)
    assert [orjson.loads(output)["id"] for output in outputs] == [
        f"m{n}" for n in [*range(RECENT_IDS + 1), 0]
    ]
