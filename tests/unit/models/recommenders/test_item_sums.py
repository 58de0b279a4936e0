import numpy as np

from stream_app.models.recommenders.item_sums import NO_ITEM, ItemSums
from stream_app.models.recommenders.types import NO_VOTES, Votes


def test_shares_are_by_item_without_the_missing_and_the_weightless():
    sums = ItemSums(10)
    items = np.array([3, 5, 3, NO_ITEM, 7], np.int32)
    for _ in range(2):  # the second time finds the scratch array clean
        found = sums.distribute(Votes(items, np.array([1.0, 2.0, 1.0, 9.0, 0.0])))
        assert dict(zip(found.items.tolist(), found.scores.tolist(), strict=True)) == {3: 0.5, 5: 0.5}


def test_nothing_adds_up_to_nothing():
    found = ItemSums(10).distribute(Votes(np.array([NO_ITEM]), np.array([1.0])))
    assert len(found.items) == len(found.scores) == 0


def test_distinct_items_come_once_in_the_order_of_their_first_votes():
    assert ItemSums(10).distinct(np.array([4, NO_ITEM, 2, 4, 3, 4])).tolist() == [4, 2, 3]


def test_a_table_holds_what_each_voter_alone_would_give():
    sums = ItemSums(10, rows=3)
    voters = [
        Votes(np.array([3, 5, 3, NO_ITEM]), np.array([1.0, 2.0, 1.0, 9.0])),
        NO_VOTES,
        Votes(np.array([9, 3], np.int32), np.array([3.0, 1.0])),
    ]
    for _ in range(2):
        items, table = sums.tabulate(voters)
        assert items.tolist() == [3, 5, 9]
        for votes, row in zip(voters, table, strict=True):
            alone = dict(zip(*sums.distribute(votes), strict=True)) if len(votes.items) else {}
            assert row.tolist() == [alone.get(item, 0.0) for item in items.tolist()]
