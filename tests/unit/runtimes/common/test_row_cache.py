"""Changed rows stay in memory until what was changed last is stored, however few rows are kept."""

from stream_app.features.user_row import UserRow
from stream_app.runtimes.common.row_cache import RowCache

LIMIT = 2


class Store(dict[tuple[int, str], UserRow]):
    """Counts what is loaded."""

    loads = 0

    def load(self, partition: int, user_key: str) -> UserRow | None:
        self.loads += 1
        return self.get((partition, user_key))


def cache_over(store: Store) -> RowCache:
    return RowCache(store.load, LIMIT)


def test_a_row_that_was_changed_again_is_not_settled_by_the_earlier_change():
    cache, row = cache_over(Store()), UserRow()
    first = cache.change(0, {"a": row, "b": UserRow()})
    second = cache.change(0, {"a": row})  # the core changes rows in place
    cache.settle_change(0, ["a", "b"], first)
    assert set(cache.changed) == {(0, "a")}
    cache.change(1, {str(number): UserRow() for number in range(10 * LIMIT)})
    cache.settle_change(1, map(str, range(10 * LIMIT)), second + 1)
    assert cache.of_partition(0).get("a") is row
    cache.settle_change(0, ["a"], second)
    assert cache.changed == {}


def test_a_removed_row_stays_removed_until_that_is_stored():
    store = Store({(0, "a"): UserRow()})
    cache = cache_over(store)
    removal = cache.change(0, {"a": None})
    assert cache.of_partition(0).get("a") is None
    assert store.loads == 0
    del store[0, "a"]
    cache.settle_change(0, ["a"], removal)
    assert cache.of_partition(0).get("a") is None
    assert store.loads == 1


def test_the_rows_used_last_are_kept_once_all_is_stored():
    store = Store()
    cache = cache_over(store)
    rows = {name: UserRow() for name in "abc"}
    cache.change(0, rows)
    cache.settle()
    assert [cache.of_partition(0).get(name) for name in "bc"] == [rows["b"], rows["c"]]
    assert store.loads == 0
    assert cache.of_partition(0).get("a") is None
    assert store.loads == 1


def test_nothing_is_known_of_a_partition_that_was_forgotten():
    cache = cache_over(Store())
    rows = {"a": UserRow()}
    cache.change(0, rows)
    cache.change(1, rows)
    cache.settle()
    cache.change(0, {"b": UserRow()})
    cache.forget(0)
    assert cache.changed == {}
    assert cache.of_partition(0).get("a") is cache.of_partition(0).get("b") is None
    assert cache.of_partition(1).get("a") is rows["a"]
