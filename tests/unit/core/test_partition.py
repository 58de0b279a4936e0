from random import Random

import pytest

from stream_app.core.partition import Partition
from stream_app.core.row_times import pack_stored_times, unpack_times
from stream_app.features import sessions
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.settings.rules import Rules

RULES = Rules(session_gap=100.0, allowed_lateness=50.0)


def touched(*times: float) -> UserRow:
    row = UserRow()
    for offset, at in enumerate(times):
        sessions.touch(row, at, "events", offset, "", True, None, RULES)
    return row


def test_users_fall_due_once_and_not_before() -> None:
    partition = Partition(0, RULES)
    partition.schedule("a", touched(10.0))
    partition.schedule("b", touched(20.0))
    assert partition.sessions.pop_due(109.9) == []
    assert partition.sessions.pop_due(110.0) == ["a"]
    assert partition.sessions.pop_due(110.0) == []
    assert partition.sessions.pop_due(1e9) == ["b"]


def test_a_user_without_open_sessions_never_falls_due() -> None:
    partition = Partition(0, RULES)
    partition.schedule("a", UserRow())
    assert partition.sessions.pop_due(1e12) == []


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_overlooked(seed: int) -> None:
    random = Random(seed)
    partition = Partition(0, RULES)
    rows = {f"user-{number}": UserRow() for number in range(10)}
    now = 0.0
    for offset in range(300):
        now += random.expovariate(1 / 15)
        user_key, row = random.choice(list(rows.items()))
        sessions.touch(row, now - random.uniform(0, 50), "events", offset, "", True, None, RULES)
        partition.schedule(user_key, row)
        if random.random() < 0.1:
            partition = Partition(0, RULES, partition.encode_meta())
            stored = {key: encode_row(row) for key, row in rows.items()}
            rows = {key: decode_row(data) for key, data in stored.items()}
            partition.hold(list(stored), unpack_times(map(pack_stored_times, stored.values())))
        until = now - RULES.allowed_lateness
        due = set(partition.sessions.pop_due(until))
        for key, row in rows.items():
            closed = sessions.pop_due(row, until, RULES)
            assert not closed or key in due
            if key in due:
                partition.schedule(key, row)


def test_the_watermark_trails_the_highest_time_and_outlives_a_restart() -> None:
    partition = Partition(3, RULES)
    partition.meta.highest_at = 1_000.0
    partition.meta.applied["events"] = 41
    again = Partition(3, RULES, partition.encode_meta())
    assert again.watermark == 950.0
    assert again.meta == partition.meta
