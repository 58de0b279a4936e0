import numpy as np

from models.recommenders.item_sums import NO_ITEM, ItemSums


def test_shares_are_by_item_without_the_missing_and_the_weightless():
    sums = ItemSums(10)
    items = np.array([3, 5, 3, NO_ITEM, 7], np.int32)
    for _ in range(2):  # the second time finds the scratch array clean
        found = sums.distribute(items, np.array([1.0, 2.0, 1.0, 9.0, 0.0]))
        assert dict(zip(found.items.tolist(), found.scores.tolist(), strict=True)) == {3: 0.5, 5: 0.5}


def test_nothing_adds_up_to_nothing():
    found = ItemSums(10).distribute(np.array([NO_ITEM]), np.array([1.0]))
    assert len(found.items) == len(found.scores) == 0


def test_distinct_items_come_once():
    assert ItemSums(10).distinct(np.array([4, 2, 4, 4])).tolist() == [2, 4]
