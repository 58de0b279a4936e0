import numpy as np
import pytest

from stream_app.models.recommenders import IndexLimits, SessionIndex


def positions(index: SessionIndex, item: str, most: int = 100) -> list[int]:
    return index.positions_of(index.item_numbers[item], most).tolist()


def test_positions_of_an_item_count_all_clicks_the_oldest_first():
    index = SessionIndex()
    index.learn_session(["a", "b", "a"], 10.0)
    index.learn_session(["b"], 20.0)
    assert positions(index, "a") == [0, 2]
    assert positions(index, "b") == [1, 3]
    assert positions(index, "b", most=1) == [3]


def test_an_empty_session_changes_nothing():
    index = SessionIndex()
    assert index.learn_session([], 10.0) == []
    assert (index.next_session, index.live_sessions) == (0, 0)


def test_the_oldest_sessions_give_way_and_are_counted():
    index = SessionIndex(IndexLimits(sessions=2))
    for item in ("a", "b", "c"):
        index.learn_session([item, "x"], 1.0)
    assert set(index.item_numbers) == {"b", "c", "x"}
    assert positions(index, "x") == [3, 5]
    assert index.evictions.sessions == 1
    assert index.live_sessions == 2


def test_clicks_are_capped_too_however_few_the_sessions():
    index = SessionIndex(IndexLimits(sessions=100, clicks=6, clicks_per_session=4))
    for turn in range(10):
        index.learn_session([f"item {turn}", "x", "y"], 1.0)
    assert index.next_click - index.first_click == 6
    assert index.evictions.sessions == 8
    assert positions(index, "x") == [25, 28]


def test_a_long_session_keeps_its_latest_clicks():
    index = SessionIndex(IndexLimits(clicks_per_session=2))
    index.learn_session(["a", "b", "c"], 1.0)
    assert set(index.item_numbers) == {"b", "c"}
    assert index.evictions.session_clicks == 1


def test_an_item_keeps_its_latest_clicks():
    index = SessionIndex(IndexLimits(clicks_per_item=5))
    for _ in range(12):
        index.learn_session(["a"], 1.0)
    assert positions(index, "a") == [7, 8, 9, 10, 11]
    assert index.evictions.item_clicks == 7


def test_the_items_clicked_longest_ago_give_way():
    index = SessionIndex(IndexLimits(items=3))
    index.learn_session(["a", "b", "c"], 1.0)
    index.learn_session(["a"], 2.0)
    index.learn_session(["d"], 3.0)
    assert set(index.item_numbers) == {"a", "c", "d"}
    assert index.evictions.items == 1
    assert index.items_at(np.arange(3)).tolist() == [index.item_numbers["a"], 0, index.item_numbers["c"]]


def test_an_item_evicted_with_more_clicks_than_it_keeps_leaves_the_whole_log():
    index = SessionIndex(IndexLimits(items=2, clicks_per_item=2))
    index.learn_session(["a", "a", "a", "a", "b"], 1.0)
    index.learn_session(["c"], 1.0)
    assert index.items_at(np.arange(4)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("clicks_per_item", [2, 100])
def test_forgetting_an_owner_leaves_what_others_clicked(clicks_per_item):
    index = SessionIndex(IndexLimits(clicks_per_item=clicks_per_item))
    index.learn_session(["a", "b"], 1.0, owner="ann")
    index.learn_session(["a", "c"], 2.0, owner="bob")
    index.learn_session(["a", "b", "a"], 3.0, owner="ann")
    assert index.forget("ann") == 2
    assert set(index.item_numbers) == {"a", "c"}
    assert positions(index, "a") == [2]
    assert index.live_sessions == 1
    assert index.forget("ann") == 0


def test_no_owner_is_nobody():
    index = SessionIndex()
    index.learn_session(["a"], 1.0)
    assert index.forget("") == 0
    assert "a" in index.item_numbers


def test_recency_halves_with_the_half_life():
    index = SessionIndex()
    half_life = index.decay.session_half_life_days * 86_400
    ages = np.array([0.0, half_life, 2 * half_life, -half_life])
    assert index.recency(ages) == pytest.approx([1, 0.5, 0.25, 1])


@pytest.mark.parametrize(
    ("limits", "message"),
    [({"clicks": 10, "clicks_per_session": 11}, "clicks_per_session"), ({"items": 0}, "1")],
)
def test_limits_that_can_hold_nothing_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        IndexLimits(**limits)


@pytest.mark.parametrize("ended_at", [float("nan"), float("inf")])
def test_a_session_must_end_at_some_time(ended_at):
    with pytest.raises(ValueError, match="finite"):
        SessionIndex().learn_session(["a"], ended_at)


def test_an_erased_session_leaves_no_neighbours():
    index = SessionIndex()
    index.learn_session(["a", "private"], 1.0, owner="ann")
    positions = index.positions_of(index.item_numbers["a"], 1)
    assert index.neighbourhoods(positions)[0].any()
    index.forget("ann")
    assert not index.neighbourhoods(positions)[0].any()


def test_an_item_clicked_earlier_in_a_session_is_not_the_stalest_when_a_later_one_needs_room():
    index = SessionIndex(IndexLimits(sessions=9, clicks=90, items=3))
    for turn, items in enumerate((["a", "b"], ["c"], ["a", "d"])):
        index.learn_session(items, turn * 60.0)
    assert set(index.item_numbers) == {"a", "c", "d"}
    assert index.evictions.items == 1
