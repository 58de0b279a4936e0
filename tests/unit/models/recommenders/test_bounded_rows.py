import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.models.recommenders.bounded_rows import BoundedRows, BoundedRowsState

steps = st.lists(st.tuples(st.sampled_from(["touch", "release"]), st.sampled_from("abcdef")), max_size=40)


def play(table: BoundedRows, moves) -> None:
    for move, key in moves:
        if move == "touch":
            table.touch(key)
        else:
            table.release(key)


@given(steps, st.integers(1, 4))
def test_the_keys_held_are_those_touched_last(moves, limit):
    table = BoundedRows(limit)
    play(table, moves)
    order: list[str] = []
    for move, key in moves:
        if key in order:
            order.remove(key)
        if move == "touch":
            order = [*order, key][-limit:]
    assert [key for key in "abcdef" if table.find(key) is not None] == sorted(order)
    assert len(table) == len(order)
    rows = [table.find(key) for key in order]
    assert len(set(rows)) == len(rows)
    assert [table.keys[row] for row in rows] == order
    assert table.used <= limit
    assert all(key is None or table.find(key) == row for row, key in enumerate(table.keys))


@given(steps, steps, st.integers(1, 4))
def test_a_restored_table_goes_on_as_the_old_one(before, after, limit):
    table = BoundedRows(limit)
    play(table, before)
    packed = msgspec.msgpack.encode(table.to_state())
    restored = BoundedRows.from_state(msgspec.msgpack.decode(packed, type=BoundedRowsState))
    play(table, after)
    play(restored, after)
    assert restored.to_state() == table.to_state()
    assert restored.keys == table.keys


def test_a_row_given_out_again_is_told_as_new_and_evictions_are_counted():
    table = BoundedRows(2)
    assert table.touch("a") == (0, True)
    assert table.touch("b") == (1, True)
    assert table.touch("a") == (0, False)
    assert table.touch("c") == (1, True)
    assert table.evictions == 1
    table.release("a")
    assert table.touch("d") == (0, True)
    assert table.evictions == 1


def test_a_table_without_rows_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        BoundedRows(0)
