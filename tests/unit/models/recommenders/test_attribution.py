import msgspec
import pytest

from stream_app.models.recommenders.attribution import (
    MOST_RANK,
    MOST_SOURCES,
    Attribution,
    AttributionState,
    Emission,
    EmittedItem,
    attribute_click,
)

OLD = Emission(
    "old", 100.0, 200.0, (EmittedItem("a", "blend", 1.0), EmittedItem("b", "category", 0.25, True))
)
NEW = Emission("new", 150.0, 160.0, (EmittedItem("c", "blend", 1.0), EmittedItem("a", "popularity", 0.5)))


def test_a_click_goes_to_the_latest_valid_list_that_showed_the_item() -> None:
    assert attribute_click([OLD, NEW], "a", 155.0) == ("new", "a", 2, "popularity", 0.5, False, 5.0)
    assert attribute_click([NEW, OLD], "b", 155.0) == ("old", "b", 2, "category", 0.25, True, 55.0)
    assert attribute_click([OLD, NEW], "a", 160.0) == ("old", "a", 1, "blend", 1.0, False, 60.0)


@pytest.mark.parametrize(("item", "at"), [("a", 99.9), ("a", 200.0), ("z", 155.0)])
def test_a_click_out_of_time_or_on_another_item_is_nobodys(item: str, at: float) -> None:
    assert attribute_click([OLD, NEW], item, at) is None


def test_what_is_shown_and_clicked_is_tallied_by_source_and_rank() -> None:
    tallies = Attribution()
    tallies.note_emission(OLD)
    tallies.note_emission(NEW)
    for item, at in (("a", 155.0), ("b", 156.0)):
        click = attribute_click([OLD, NEW], item, at)
        assert click is not None
        tallies.note_click(click)
    restored = Attribution()
    packed = msgspec.msgpack.encode(tallies.to_state())
    restored.restore(msgspec.msgpack.decode(packed, type=AttributionState))
    for same in (tallies, restored):
        assert same.requests == 2
        found = {
            source: (tally.shown, tally.clicked, tally.weighed_clicks)
            for source, tally in same.by_source.items()
        }
        assert found == {"blend": (2, 0, 0.0), "category": (1, 1, 4.0), "popularity": (1, 1, 2.0)}
        assert [(same.by_rank[rank].shown, same.by_rank[rank].clicked) for rank in (1, 2)] == [(2, 0), (2, 2)]


def test_tallies_are_capped() -> None:
    tallies = Attribution()
    items = tuple(EmittedItem(str(number), f"source {number}", 1.0) for number in range(3 * MOST_RANK))
    tallies.note_emission(Emission("one", 0.0, 1.0, items))
    assert len(tallies.by_source) == MOST_SOURCES + 1
    assert tallies.by_source["other"].shown == 3 * MOST_RANK - MOST_SOURCES
    assert tallies.by_rank[MOST_RANK].shown == 2 * MOST_RANK + 1
