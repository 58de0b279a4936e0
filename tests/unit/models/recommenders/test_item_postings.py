import numpy as np
import pytest

from stream_app.models.recommenders.item_postings import ItemPostings


@pytest.mark.parametrize("count", [0, 1, 4, 5, 7, 8, 14, 15, 40])
@pytest.mark.parametrize("most", [1, 3, 50])
def test_the_latest_positions_are_the_end_of_what_was_added(count, most):
    postings = ItemPostings(most=7)
    postings.add_item()
    displaced = sum(postings.extend([0], position * 10, since=20) for position in range(count))
    added = [position * 10 for position in range(count)]
    assert postings.latest(0, most, since=0).tolist() == added[-7:][-most:]
    assert postings.latest(0, most, since=35).tolist() == [p for p in added[-7:][-most:] if p >= 35]
    assert displaced == len([position for position in added[: max(0, count - 7)] if position >= 20])


def test_clicks_of_a_session_are_added_to_the_lists_of_their_items():
    postings = ItemPostings(most=2)
    for _ in range(3):
        postings.add_item()
    assert postings.extend([1, 2, 1, 1, 2], 10, since=0) == 1
    lists = [postings.latest(item, 9, since=0).tolist() for item in range(3)]
    assert lists == [[], [12, 13], [11, 14]]


def test_a_replaced_list_goes_on_growing():
    postings = ItemPostings(most=3)
    postings.add_item()
    postings.replace(0, np.array([1, 2, 3, 4]))
    assert postings.extend([0], 5, since=2) == 1
    assert postings.latest(0, 10, since=0).tolist() == [3, 4, 5]
    postings.replace(0, np.array([9]))
    assert postings.extend([0], 10, since=0) == 0
    assert postings.latest(0, 10, since=0).tolist() == [9, 10]
