from random import Random

import msgspec
import numpy as np
import pytest

from stream_app.core.partition import Partition
from stream_app.core.row_times import (
    outlooks_due,
    pack_stored_times,
    pack_times,
    sessions_due,
    starts_due,
    unpack_times,
)
from stream_app.features import content, sessions
from stream_app.features.user_row import (
    ROW_VERSION,
    ItemStart,
    Moment,
    OpenSession,
    RowVersionError,
    UserRow,
    encode_row,
)
from stream_app.learning import moments
from stream_app.settings.rules import DAY, Rules

RULES = Rules()


def random_row(chance: Random) -> UserRow:
    def times(most: int) -> list[float]:
        return sorted(chance.uniform(0, 30 * DAY) for _ in range(chance.randrange(most + 1)))

    return UserRow(
        seen_at=chance.uniform(0, 30 * DAY),
        open_sessions=[
            OpenSession(at - chance.uniform(0, 90), at, "events", 3, items=[(at, "item")]) for at in times(3)
        ],
        moments=[Moment(at, b"values", has_returned=True) for at in times(moments.MAX_MOMENTS)],
        next_moment_at=chance.choice([0.0, chance.uniform(0, 30 * DAY)]),
        outgoing=chance.choice([b"", b"history"]),
        item_starts=[ItemStart("item", at, uses=2) for at in times(2)],
    )


ROWS = {f"user-{number}": random_row(Random(number)) for number in range(200)}


def test_times_tell_of_each_row_what_the_row_tells() -> None:
    times = unpack_times(map(pack_times, ROWS.values()))
    for due, next_due in (
        (sessions_due(times, RULES), sessions.next_due),
        (outlooks_due(times, RULES), moments.next_due),
        (starts_due(times, RULES), content.next_due),
    ):
        told = [None if np.isnan(at) else float(at) for at in due]
        assert told == [next_due(row, RULES) for row in ROWS.values()]
        assert None in told
    assert times["seen_at"].tolist() == [row.seen_at for row in ROWS.values()]
    assert times["has_outgoing"].tolist() == [bool(row.outgoing) for row in ROWS.values()]


def test_a_partition_that_is_held_again_knows_of_its_users_what_it_knew() -> None:
    known, again = Partition(0, RULES), Partition(0, RULES)
    for user_key, row in ROWS.items():
        known.add_user(user_key, row)
        known.schedule(user_key, row)
    again.hold(list(ROWS), unpack_times(map(pack_times, ROWS.values())))
    assert again.users == known.users == len(ROWS)
    assert again.pop_unsent() == [user_key for user_key, row in ROWS.items() if row.outgoing]
    for until in range(0, 60):
        for of_again, of_known in (
            (again.sessions, known.sessions),
            (again.outlooks, known.outlooks),
            (again.item_starts, known.item_starts),
        ):
            assert sorted(of_again.pop_due(until * DAY)) == sorted(of_known.pop_due(until * DAY))
    assert [again.pop_idlest(ROWS.get) for _ in ROWS] == [known.pop_idlest(ROWS.get) for _ in ROWS]


@pytest.mark.parametrize("missing", [0, len(UserRow.__struct_fields__) - 12])
def test_times_are_read_of_a_stored_row_whichever_program_wrote_it(missing: int) -> None:
    for row in ROWS.values():
        fields = msgspec.msgpack.decode(encode_row(row))
        older = msgspec.msgpack.encode(fields[: len(fields) - missing])
        expected = msgspec.convert(fields[: len(fields) - missing], UserRow)
        assert pack_stored_times(older) == pack_times(expected)


def test_times_of_what_is_no_row_are_refused() -> None:
    with pytest.raises(RowVersionError):
        pack_stored_times(encode_row(UserRow(version=ROW_VERSION + 1)))
    for data in (b"", b"\x00", b"{}", encode_row(UserRow())[:-3]):
        with pytest.raises(msgspec.DecodeError):
            pack_stored_times(data)
