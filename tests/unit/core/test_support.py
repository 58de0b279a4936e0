"""The watermark of a history follows what several users' events say; that of live events is as it was."""

from random import Random

import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.user_row import UserRow
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import DAY, HOUR, Rules
from stream_app.testing import INTAKE, RECEIVED_AT, FixedModels, page

RULES = Rules()
EVENT_COUNT = 600
WRONG = 300 * DAY


def failures(values: list[bytes], is_history: bool = True) -> dict[str, int]:
    partition, rows, counted = Partition(0, RULES), dict[str, UserRow](), dict[str, int]()
    for offset, value in enumerate(values):
        record = Record(offset, None, value, RECEIVED_AT + 1_000 * DAY, is_history=is_history)
        batch = Batch(EVENTS.name, 0, [record])
        result = step(partition, batch, rows, INTAKE, FixedModels().models, RULES, RECEIVED_AT)
        rows |= {user: row for user, row in result.rows.items() if row is not None}
        for reason, count in result.failures.items():
            counted[reason] = counted.get(reason, 0) + count
        partition = Partition(0, RULES, partition.encode_meta())  # what is not stored is no part of it
        for user, row in rows.items():
            partition.add_user(user, row)
    return counted


def history(users: int, pause: float, wrong: tuple[int, ...] = ()) -> list[bytes]:
    random = Random(1)
    return [
        page(f"u{random.randrange(users)}", number * pause + (WRONG if number in wrong else 0))
        for number in range(EVENT_COUNT)
    ]


@pytest.mark.parametrize("wrong", [(0,), (1, 300), tuple(range(0, EVENT_COUNT, 50))])
@pytest.mark.parametrize("users", [2, 30])
def test_wrong_dates_make_nothing_late(users: int, wrong: tuple[int, ...]) -> None:
    assert failures(history(users, 600.0, wrong)) == {}
    assert failures(history(users, 600.0, wrong), is_history=False).get("late", 0) > EVENT_COUNT / 2


@pytest.mark.parametrize("users", [1, 2, 30])
def test_a_history_with_long_pauses_moves_on(users: int) -> None:
    partition = Partition(0, RULES)
    random = Random(2)
    for number in range(100):
        partition.advance(1e9 + number * DAY, f"u{random.randrange(users)}")
    assert partition.meta.highest_at >= 1e9 + 85 * DAY
    for number in range(20):
        partition.advance(2e9 + number, "u0" if users == 1 else f"u{number % users}")
    assert partition.meta.highest_at >= 2e9


def test_what_is_truly_late_is_still_refused() -> None:
    values = history(30, 600.0)
    late = [page("u1", 10 * HOUR), page("u2", 11 * HOUR)]
    assert failures([*values, *late]) == {"late": 2}
