"""What others make a row hold ends somewhere, what ends is counted, and nothing of it is lost unsaid."""

from collections import Counter

import pytest

from stream_app.core.identity_messages import Forwarded, encode_message
from stream_app.core.link_bounds import MAX_HEARD, MAX_LINKED
from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import StepResult, step
from stream_app.features.sessions import MAX_OPEN_ITEMS, MAX_OPEN_SESSIONS, MAX_SESSION_ITEMS
from stream_app.features.user_row import REFUSED, OpenSession, Place, UserRow
from stream_app.schemas.outputs import ClosedSession
from stream_app.schemas.topics import EVENTS, LINKS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, Driver, FixedModels, event, page
from stream_app.testing.events import records

RULES = Rules()


def visit(number: int, at: float, item: str | None = None, user: str = "u") -> bytes:
    return page(user, at, item, messageId=f"m{number}-{at}", context={"sessionId": f"s{number}"})


def test_the_session_silent_for_longest_is_closed_when_more_are_open_than_a_row_has_room_for() -> None:
    driver = Driver()
    opened = driver.pipe(*[visit(n, 10 * n) for n in range(MAX_OPEN_SESSIONS)])
    driver.pipe(visit(0, 500))  # goes on, so that it is not the one
    assert not opened.bounded
    assert not driver.of(ClosedSession)
    over = driver.pipe(visit(99, 600), visit(98, 5))  # the second is late: it is the oldest, and stays
    assert over.bounded == {"open_sessions": 2}
    assert [closed.session_id for closed in driver.of(ClosedSession)] == ["s1", "s2"]
    assert {session.tracker_id for session in driver.rows["u"].open_sessions} >= {"s0", "s98", "s99"}


def test_1500_session_ids_make_1500_sessions_and_no_large_row() -> None:
    driver = Driver()
    for n in range(1_500):
        driver.pipe(visit(n, n * 0.5, f"item-{n}"))
        assert len(driver.rows["u"].open_sessions) <= MAX_OPEN_SESSIONS
    driver.advance_event_time(9_000)
    closed = driver.of(ClosedSession)
    assert sorted(session.session_id for session in closed) == sorted(f"s{n}" for n in range(1_500))
    assert sum(session.event_count for session in closed) == 1_500
    assert len({output.id for output in driver.outputs}) == len(driver.outputs)


def test_items_of_open_sessions_are_bounded_together() -> None:
    driver = Driver()
    values = [
        visit(n, 300 * n + look, f"item-{n}-{look}") for n in range(3) for look in range(MAX_SESSION_ITEMS)
    ]
    result = driver.pipe(*values)
    assert result.bounded == {"open_sessions": 1}
    [closed] = driver.of(ClosedSession)
    assert (closed.session_id, len(closed.items)) == ("s0", MAX_SESSION_ITEMS)
    assert sum(len(session.items) for session in driver.rows["u"].open_sessions) == MAX_OPEN_ITEMS


def test_sessions_that_a_history_brings_are_bounded_too_and_each_is_told_once() -> None:
    driver = Driver(partitions=3)
    for user in ("", "u"):
        driver.pipe(
            *[
                page(user, n, f"i{n}", anonymousId="device", context={"sessionId": f"visit-{user}-{n}"})
                for n in range(12)
            ]
        )
    joined = driver.pipe(event("identify", "u", 60, anonymousId="device"))
    assert joined.bounded == {"open_sessions": 24 - MAX_OPEN_SESSIONS}
    driver.advance_event_time(9_000)
    assert len(driver.of(ClosedSession)) == 24
    assert len({output.id for output in driver.outputs}) == len(driver.outputs)


def test_ids_beyond_those_that_a_row_has_room_for_are_forgotten_those_claimed_in_vain_first() -> None:
    driver = Driver()
    driver.pipe(event("identify", "v", 0, anonymousId="taken"))
    driver.pipe(event("identify", "u", 1, anonymousId="taken"))
    assert driver.rows["u"].linked["taken"].claim == REFUSED
    results = [
        driver.pipe(event("identify", "u", n, anonymousId=f"d{n}", messageId=f"m{n}"))
        for n in range(2, MAX_LINKED + 5)
    ]
    linked = driver.rows["u"].linked
    assert len(linked) == MAX_LINKED
    assert "taken" not in linked
    assert f"d{MAX_LINKED + 4}" in linked
    assert sum((result.bounded for result in results), Counter()) == {"linked": 4}


def test_what_a_pointer_claims_is_bounded() -> None:
    driver = Driver(partitions=2)
    driver.pipe(event("identify", "u", 0, anonymousId="device"))
    driver.pipe(
        *[
            event("alias", "device", n, previousId=f"d{n}", messageId=f"m{n}")
            for n in range(1, 2 * MAX_LINKED)
        ]
    )
    for row in driver.rows.values():
        assert len(row.linked) <= MAX_LINKED
        assert len(row.heard) <= MAX_HEARD


class Held:
    """One partition and its rows, which take records of any topic."""

    def __init__(self) -> None:
        self.partition = Partition(0, RULES)
        self.rows: dict[str, UserRow] = {}
        self.models = FixedModels().models

    def take(self, topic: str, *values: bytes) -> StepResult:
        taken = Batch(topic, 0, records(values, self.partition.meta.applied.get(topic, -1) + 1))
        result = step(self.partition, taken, self.rows, INTAKE, self.models, RULES, RECEIVED_AT)
        self.rows |= {user: row for user, row in result.rows.items() if row is not None}
        return result


def forwarded(number: int, is_repeat: bool) -> bytes:
    """What another row passes on to `u`, all of it the same event if it is a repeat."""
    at, message_id = (1, "m") if is_repeat else (number, f"m{number}")
    value = page("", at, anonymousId="d", messageId=message_id)
    place = {"topic": "t", "offset": 7, "received_at": RECEIVED_AT}
    return encode_message(Forwarded(key="u", sender=f"d{number}", value=value, **place))


@pytest.mark.parametrize("is_repeat", [False, True])
def test_rows_heard_from_the_longest_ago_are_forgotten(is_repeat: bool) -> None:
    held = Held()
    held.take(EVENTS.name, page("u", 0))
    first = [forwarded(number, is_repeat) for number in range(MAX_HEARD)]
    assert not held.take(LINKS.name, *first).bounded
    over = held.take(LINKS.name, forwarded(MAX_HEARD, is_repeat), first[-1])
    assert over.bounded == {"heard": 1}
    assert over.events["page", "already_applied"] == 1
    assert list(held.rows["u"].heard) == [f"t d{number}" for number in range(1, MAX_HEARD + 1)]


def test_a_row_that_an_earlier_version_let_grow_is_bounded_with_its_next_event() -> None:
    held = Held()
    held.take(EVENTS.name, page("u", 0))
    row = held.rows["u"]
    row.heard = {f"t d{n}": n for n in range(900)}
    row.linked = {f"d{n}": Place(0, START) for n in range(700)}
    row.open_sessions = [OpenSession(START + n, START + n, EVENTS.name, n) for n in range(900)]
    held.take(EVENTS.name, page("u", 5))
    assert (len(row.heard), len(row.linked)) == (MAX_HEARD, MAX_LINKED)
    assert len(row.open_sessions) <= MAX_OPEN_SESSIONS
