from random import Random

import pytest

from stream_app.features import sessions
from stream_app.features.user_row import OpenSession, UserRow
from stream_app.settings.rules import Rules

RULES = Rules(session_gap=100.0, session_limit=1e9)


def touch(
    row: UserRow,
    at: float,
    offset: int,
    item: str | None = None,
    rules: Rules = RULES,
    tracker_id: str = "",
) -> OpenSession:
    return sessions.touch(row, at, "events", offset, tracker_id, True, item, rules)


def sessions_of(events: list[tuple[float, int]], gap: float) -> list[list[tuple[float, int]]]:
    """All events at once, in order of time, cut where the gap is reached."""
    found: list[list[tuple[float, int]]] = []
    for at, offset in sorted(events):
        if found and at - found[-1][-1][0] < gap:
            found[-1].append((at, offset))
        else:
            found.append([(at, offset)])
    return found


@pytest.mark.parametrize("seed", range(40))
def test_sessions_in_any_order_of_arrival_are_those_of_all_events(seed: int) -> None:
    random = Random(seed)
    times = [float(random.randrange(3_000)) for _ in range(random.randrange(1, 60))]
    row = UserRow()
    for offset, at in enumerate(times):
        touch(row, at, offset, f"item-{offset}")
    expected = sessions_of([(at, offset) for offset, at in enumerate(times)], RULES.session_gap)
    assert [
        (found.started_at, found.last_at, found.event_count, found.page_views, found.last_offset)
        for found in row.open_sessions
    ] == [
        (events[0][0], events[-1][0], len(events), len(events), max(offset for _, offset in events))
        for events in expected
    ]
    for found, events in zip(row.open_sessions, expected, strict=True):
        assert [at for at, _ in found.items] == [at for at, _ in events]
        assert {item for _, item in found.items} == {f"item-{offset}" for _, offset in events}


@pytest.mark.parametrize("seed", range(40))
def test_no_session_outgrows_the_limit_and_no_event_is_lost(seed: int) -> None:
    random = Random(seed)
    rules = Rules(session_gap=100.0, session_limit=400.0)
    row = UserRow()
    count = random.randrange(1, 120)
    for offset in range(count):
        touch(row, float(random.randrange(2_000)), offset, rules=rules)
        assert all(found.last_at - found.started_at <= 400 for found in row.open_sessions)
        assert row.open_sessions == sorted(row.open_sessions, key=lambda found: found.started_at)
    assert sum(found.event_count for found in row.open_sessions) == count
    assert len({found.last_offset for found in row.open_sessions}) == len(row.open_sessions)


def test_the_gap_itself_ends_a_session() -> None:
    row = UserRow()
    touch(row, 0.0, 0)
    touch(row, 100.0, 1)
    assert len(row.open_sessions) == 2
    touch(row, 199.9, 2)
    assert len(row.open_sessions) == 2


def test_a_late_event_joins_two_sessions() -> None:
    row = UserRow()
    for offset, at in enumerate([0.0, 150.0, 75.0]):
        touch(row, at, offset, f"item-{at:.0f}")
    [joined] = row.open_sessions
    assert (joined.started_at, joined.last_at, joined.last_offset) == (0.0, 150.0, 2)
    assert [item for _, item in joined.items] == ["item-0", "item-75", "item-150"]


def test_due_sessions_are_taken_once_the_watermark_reaches_their_gap() -> None:
    row = UserRow()
    touch(row, 0.0, 0)
    touch(row, 500.0, 1)
    assert sessions.next_due(row, RULES) == 100.0
    assert sessions.pop_due(row, 99.9, RULES) == []
    assert [taken.last_at for taken in sessions.pop_due(row, 100.0, RULES)] == [0.0]
    assert sessions.next_due(row, RULES) == 600.0
    assert [taken.last_at for taken in sessions.pop_due(row, 1e9, RULES)] == [500.0]
    assert sessions.next_due(row, RULES) is None


def test_a_summary_takes_the_sessions_of_its_span_alone() -> None:
    row = UserRow()
    for offset, at in enumerate([0.0, 1_000.0, 2_000.0]):
        touch(row, at, offset)
    taken = sessions.pop_covered(row, "", 950.0, 1_050.0, RULES)
    assert [session.started_at for session in taken] == [1_000.0]
    assert [session.started_at for session in row.open_sessions] == [0.0, 2_000.0]


def test_a_click_and_the_page_that_it_opens_are_one_look() -> None:
    row = UserRow()
    touch(row, 0.0, 0, "a")
    touch(row, 2.0, 1, "a")
    touch(row, 4.0, 2, "b")
    touch(row, 15.0, 3, "a")
    [found] = row.open_sessions
    assert [item for _, item in found.items] == ["a", "b", "a"]
    assert found.event_count == 4


def test_items_of_a_session_are_bounded_and_the_newest_kept() -> None:
    row = UserRow()
    for offset in range(sessions.MAX_SESSION_ITEMS + 30):
        touch(row, offset * 20.0, offset, f"item-{offset}")
    [found] = row.open_sessions
    assert [item for _, item in found.items] == [
        f"item-{offset}" for offset in range(30, sessions.MAX_SESSION_ITEMS + 30)
    ]


def test_one_tracker_session_is_one_whatever_its_pauses_and_two_are_two_however_near() -> None:
    row = UserRow()
    touch(row, 0.0, 0, tracker_id="s1")
    touch(row, 500.0, 1, tracker_id="s1")
    touch(row, 501.0, 2, tracker_id="s2")
    touch(row, 502.0, 3, tracker_id="s1")
    assert [(found.tracker_id, found.event_count, found.last_at) for found in row.open_sessions] == [
        ("s1", 3, 502.0),
        ("s2", 1, 501.0),
    ]


def test_an_event_without_a_tracker_session_belongs_to_the_one_that_is_near() -> None:
    row = UserRow()
    touch(row, 0.0, 0)
    touch(row, 50.0, 1, tracker_id="s1")
    touch(row, 100.0, 2)
    [found] = row.open_sessions
    assert (found.tracker_id, found.event_count) == ("s1", 3)


def test_the_limit_ends_a_tracker_session_too() -> None:
    rules = Rules(session_gap=100.0, session_limit=400.0)
    row = UserRow()
    for offset, at in enumerate((0.0, 400.0, 401.0)):
        touch(row, at, offset, rules=rules, tracker_id="s")
    assert [found.event_count for found in row.open_sessions] == [2, 1]


def test_a_summary_leaves_sessions_that_another_id_names() -> None:
    row = UserRow()
    touch(row, 0.0, 0, tracker_id="s1")
    touch(row, 1.0, 1, tracker_id="s2")
    taken = sessions.pop_covered(row, "s2", 0.0, 5.0, RULES)
    assert [session.tracker_id for session in taken] == ["s2"]
    assert [session.tracker_id for session in row.open_sessions] == ["s1"]


@pytest.mark.parametrize("seed", range(20))
def test_sessions_of_different_trackers_are_never_joined(seed: int) -> None:
    random, row, counts = Random(seed), UserRow(), dict.fromkeys(["a", "b", "c"], 0)
    for offset in range(60):
        name = random.choice("abc")
        touch(row, float(random.randrange(600)), offset, tracker_id=name)
        counts[name] += 1
    found = {session.tracker_id: session.event_count for session in row.open_sessions}
    assert found == {name: count for name, count in counts.items() if count}
