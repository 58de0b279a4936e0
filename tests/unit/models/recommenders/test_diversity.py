from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stream_app.models.recommenders.catalogue_view import ItemFacts
from stream_app.models.recommenders.diversity import CappedGroups, GroupCaps
from stream_app.models.recommenders.types import ScoredItem

facts = st.builds(ItemFacts, st.sampled_from([None, "x", "y"]), st.sampled_from([None, "B", "C"]))
caps = st.builds(GroupCaps, st.none() | st.integers(1, 3), st.none() | st.integers(1, 3))


@given(st.lists(facts, max_size=15), caps)
def test_the_list_is_the_greedy_one(known, bounds):
    items = [ScoredItem(str(place), 1.0, "s") for place in range(len(known))]
    taken = list(CappedGroups(bounds, lambda item: known[int(item)]).admit(items))
    expected: list[int] = []
    for place in range(len(known)):
        trial = [known[kept] for kept in [*expected, place]]
        categories = Counter(fact.category for fact in trial if fact.category is not None)
        brands = Counter(fact.brand for fact in trial if fact.brand is not None)
        per_category, per_brand = bounds
        if (per_category is None or max(categories.values(), default=0) <= per_category) and (
            per_brand is None or max(brands.values(), default=0) <= per_brand
        ):
            expected.append(place)
    assert [int(item.item_id) for item in taken] == expected
