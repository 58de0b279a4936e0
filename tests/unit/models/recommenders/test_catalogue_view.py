from datetime import UTC, datetime

import msgspec
import pytest

from stream_app.models.recommenders.catalogue_view import CatalogueView, CatalogueViewState
from stream_app.schemas.catalogue import CatalogueItem

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = NOON.timestamp()


def test_items_are_showable_within_their_times() -> None:
    view = CatalogueView()
    view.put(CatalogueItem(item_id="gone", available=False))
    view.put(CatalogueItem(item_id="soon", available_at=NOON))
    view.put(CatalogueItem(item_id="past", expires_at=NOON))
    assert not view.is_showable("gone", AT)
    assert [view.is_showable("soon", AT + late) for late in (-1, 0, 1)] == [False, True, True]
    assert [view.is_showable("past", AT + late) for late in (-1, 0, 1)] == [True, False, False]
    assert view.is_showable("never heard of", AT)


def test_events_teach_what_no_catalogue_said() -> None:
    view = CatalogueView()
    view.learn("tea", "drinks")
    view.learn("tea", None, "Arbel")
    assert (view.facts("tea").category, view.facts("tea").brand) == ("drinks", "Arbel")
    view.learn("tea", "hot drinks")
    assert view.facts("tea").category == "hot drinks"
    view.put(CatalogueItem(item_id="tea", category="leaves"))
    view.learn("tea", "drinks", "Boreal")
    assert (view.facts("tea").category, view.facts("tea").brand) == ("leaves", None)
    view.learn("unsaid", None)
    assert len(view) == 1


def test_what_sessions_told_stands_apart_from_the_catalogue() -> None:
    early, late = CatalogueView(), CatalogueView()
    early.put(CatalogueItem(item_id="tea", category="leaves"))
    for view in (early, late):
        view.learn("tea", "drinks")
    late.put(CatalogueItem(item_id="tea", category="leaves"))
    assert early.session_facts("tea") == late.session_facts("tea")
    assert early.facts("tea") == late.facts("tea")
    assert (early.session_facts("tea").category, early.facts("tea").category) == ("drinks", "leaves")
    early.tell(["tea", "unheard of"])
    assert early.session_facts("tea").category == "leaves"
    assert len(early) == 1


def test_the_item_told_of_longest_ago_goes_first() -> None:
    view = CatalogueView(limit=2)
    for item in ("a", "b", "a", "c"):
        view.learn(item, "x")
    assert [view.facts(item).category for item in "abc"] == ["x", None, "x"]
    assert view.evictions == 1


def test_a_view_outlives_its_state() -> None:
    view = CatalogueView(limit=2)
    for item in ("a", "b", "c"):
        view.put(CatalogueItem(item_id=item, category=item.upper(), expires_at=NOON))
    packed = msgspec.msgpack.encode(view.to_state())
    restored = CatalogueView.from_state(msgspec.msgpack.decode(packed, type=CatalogueViewState))
    for same in (view, restored):
        same.put(CatalogueItem(item_id="d", category="D"))
        assert [same.facts(item).category for item in "abcd"] == [None, None, "C", "D"]
        assert not same.is_showable("c", AT)
        assert (same.limit, same.evictions) == (2, 2)


def test_a_view_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="one item at least"):
        CatalogueView(0)


def test_an_evicted_item_may_be_shown_as_if_no_catalogue_had_named_it() -> None:
    view = CatalogueView(limit=2)
    for item_id in ("a", "b", "c"):
        view.put(CatalogueItem(item_id=item_id, available=False))
    restored = CatalogueView.from_state(view.to_state())
    for held in (view, restored):
        assert [held.is_showable(item_id, AT) for item_id in "abc"] == [True, False, False]
    view.put(CatalogueItem(item_id="b"))
    assert [view.is_showable(item_id, AT) for item_id in "abc"] == [True, True, False]
