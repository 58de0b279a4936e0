"""The watchdog with a clock of the tests' own."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from stream_app.observability.watchdog import Backlog, Watchdog

LIMIT = 30.0
STEP = 5.0
Look = tuple[float, dict[str, Backlog], object]


def watched(looks: Iterable[Look]) -> Watchdog[str]:
    watchdog: Watchdog[str] = Watchdog(STEP)
    for now, backlogs, excuse in looks:
        watchdog.look(backlogs, now, excuse)
    return watchdog


def every_second(seconds: int, handled: int = 3, end: int = 9, excuse: object = None) -> list[Look]:
    return [(float(now), {"events/0": Backlog(handled, end)}, excuse) for now in range(seconds + 1)]


def test_records_that_wait_too_long_are_noticed() -> None:
    watchdog = watched(every_second(30))
    assert (watchdog.longest_wait, list(watchdog.waiting(LIMIT))) == (30.0, [])
    watchdog.look({"events/0": Backlog(3, 9)}, 31.0)
    assert (watchdog.longest_wait, list(watchdog.waiting(LIMIT))) == (31.0, ["events/0"])


def test_an_idle_topic_is_not_stalled() -> None:
    watchdog = watched(every_second(100, handled=9, end=9))
    assert (watchdog.longest_wait, list(watchdog.waiting(LIMIT))) == (0.0, [])


def test_more_that_arrives_is_no_progress_but_what_is_processed_is() -> None:
    arriving = [(float(now), {"events/0": Backlog(3, 9 + now)}, None) for now in range(40)]
    assert list(watched(arriving).waiting(LIMIT)) == ["events/0"]
    moving = [(float(now), {"events/0": Backlog(3 + now // 20, 99)}, None) for now in range(100)]
    assert list(watched(moving).waiting(LIMIT)) == []


def test_one_partition_may_stall_while_another_moves() -> None:
    looks = [
        (float(now), {"events/0": Backlog(3, 9), "events/1": Backlog(now, 99)}, None) for now in range(40)
    ]
    assert list(watched(looks).waiting(LIMIT)) == ["events/0"]


def test_a_partition_that_moved_away_and_back_begins_anew() -> None:
    away = [*every_second(25), (26.0, {}, None), (27.0, {"events/0": Backlog(3, 9)}, None)]
    assert watched(away).longest_wait == 0.0


def test_work_that_comes_first_excuses_only_as_long_as_it_moves() -> None:
    recovering = [(float(now), {"events/0": Backlog(3, 9)}, now) for now in range(100)]
    assert watched(recovering).longest_wait == 0.0
    stuck = [*recovering, *((now + 100.0, {"events/0": Backlog(3, 9)}, 99) for now in range(40))]
    assert list(watched(stuck).waiting(LIMIT)) == ["events/0"]


def test_a_process_that_was_frozen_itself_has_not_stalled() -> None:
    thawed = [*every_second(2), (3_600.0, {"events/0": Backlog(3, 9)}, None)]
    assert watched(thawed).longest_wait == 2.0 + STEP


@given(
    st.lists(
        st.tuples(st.floats(0.01, 8), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40
    ).map(lambda rows: [(gap, handled, handled + waiting) for gap, handled, waiting in rows])
)
def test_it_is_the_time_since_the_last_look_that_saw_progress(rows: list[tuple[float, int, int]]) -> None:
    watchdog: Watchdog[str] = Watchdog(STEP)
    now, waited, before = 0.0, 0.0, None
    for gap, handled, end in rows:
        now += gap
        watchdog.look({"events/0": Backlog(handled, end)}, now)
        goes_on = handled < end and before == handled
        waited = waited + min(gap, STEP) if goes_on else 0.0
        before = handled if handled < end else None
        assert abs(watchdog.longest_wait - waited) < 1e-6
        assert list(watchdog.waiting(LIMIT)) == (["events/0"] if watchdog.longest_wait > LIMIT else [])
