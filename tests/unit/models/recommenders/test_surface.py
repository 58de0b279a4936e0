from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from stream_app.models.recommenders import Blend
from stream_app.models.recommenders.attribution import Emission, EmittedItem, attribute_click
from stream_app.models.recommenders.catalogue_view import CatalogueView
from stream_app.models.recommenders.category_fallback import CategoryFallback, FallbackSettings
from stream_app.models.recommenders.context import Context
from stream_app.models.recommenders.diversity import GroupCaps
from stream_app.models.recommenders.factorisation import Factorisation, FactorisationSettings
from stream_app.models.recommenders.session_index import owner_key
from stream_app.models.recommenders.surface import Surface
from stream_app.models.recommenders.surface_levels import Occasion
from stream_app.models.recommenders.surface_rules import Exclusion, SurfaceRules
from stream_app.models.recommenders.types import ScoredItem
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import RecommendedItem

HOUR = 3_600.0
PATHS = (["tea", "pot", "cup"], ["pen", "ink"], ["tea", "cup", "tray"], ["pen", "paper", "ink"])
CATEGORIES = {"tea": "kitchen", "pot": "kitchen", "cup": "kitchen", "tray": "kitchen"}


def learned(rules: SurfaceRules | None = None, **catalogue: object) -> Surface:
    surface = Surface(rules=rules, fallback=CategoryFallback(FallbackSettings(least_clicks=20)))
    for item in ("tea", "pot", "cup", "tray", "pen", "ink", "paper"):
        facts = catalogue.get(item, {})
        assert isinstance(facts, dict)
        surface.catalogue.put(CatalogueItem(item_id=item, category=CATEGORIES.get(item, "desk"), **facts))
    surface.catalogue.tell(CATEGORIES)
    for turn in range(40):
        surface.learn_session(PATHS[turn % 4], turn * HOUR, f"u{turn % 8}", Context("phone", None, "DE"))
    return surface


def ids(shown) -> list[str]:
    return [item.item_id for item in shown]


def test_a_known_session_is_answered_from_the_blend() -> None:
    shown = learned().recommend(["tea"], 6, now=50 * HOUR)
    assert {"tea", "cup"} <= set(ids(shown))  # the current item is not left out blindly
    assert {item.source for item in shown} <= {source.name for source in Blend().sources}
    assert [item.score for item in shown] == sorted((item.score for item in shown), reverse=True)
    assert all(item.propensity == 1 and not item.is_explored for item in shown)


@pytest.mark.parametrize(
    ("exclusion", "gone"),
    [
        (Exclusion.BOUGHT, {"cup"}),
        (Exclusion.CONSUMED, {"tea", "paper"}),
        (Exclusion.CURRENT, {"tea"}),
        (Exclusion.UNAVAILABLE, {"pot", "tray", "ink"}),
    ],
)
def test_each_exclusion_takes_out_what_it_names_and_no_more(exclusion: Exclusion, gone: set[str]) -> None:
    begins, ends = (datetime.fromtimestamp(hour * HOUR, UTC) for hour in (51, 49))
    surface = learned(
        SurfaceRules(exclude=frozenset({exclusion})),
        pot={"available": False},
        tray={"expires_at": ends},
        ink={"available_at": begins},
    )
    request = {"user_history": ["paper"], "bought": {"cup"}, "now": 50 * HOUR}
    assert set(ids(surface.recommend(["tea"], 20, **request))) == {*CATEGORIES, "pen", "ink", "paper"} - gone


def test_caps_bound_categories_and_brands() -> None:
    rules = SurfaceRules(caps=GroupCaps(per_category=2, per_brand=1))
    surface = learned(rules, tea={"brand": "A"}, cup={"brand": "A"}, pen={"brand": "A"})
    shown = ids(surface.recommend(["tea"], 10))
    assert Counter(CATEGORIES.get(item, "desk") for item in shown) == {"kitchen": 2, "desk": 2}
    assert sum(item in {"tea", "cup", "pen"} for item in shown) == 1


def test_an_unknown_item_is_answered_from_its_category_first() -> None:
    surface = learned()
    surface.catalogue.put(CatalogueItem(item_id="kettle", category="kitchen"))
    shown = surface.recommend(["kettle"], 4)
    assert set(ids(shown)) == set(CATEGORIES)
    assert shown[0].source == "category_popularity"


def test_a_new_user_gets_what_is_popular_in_the_context() -> None:
    surface = learned()
    for turn in range(40):
        surface.learn_session(["visa"], (40 + turn) * HOUR, None, Context("desk", None, "FR"))
    in_germany = surface.recommend([], 3, context=Context("phone", None, "DE"))
    assert in_germany[0].item_id in {"tea", "pen", "ink"}
    assert "context_popularity" in {item.source for item in in_germany}
    assert surface.recommend([], 3, context=Context("desk", None, "FR"))[0].item_id == "visa"
    first = surface.recommend([], 3)[0]
    assert first == RecommendedItem("visa", pytest.approx(0.4, abs=0.2), "popularity", 1.0, False)


def test_a_new_item_is_recommended_after_its_first_co_click() -> None:
    surface = learned()
    assert "new" not in ids(surface.recommend(["pot"], 20))
    surface.learn_session(["pot", "new"], 60 * HOUR)
    assert "new" in ids(surface.recommend(["pot"], 5))
    assert "pot" in ids(surface.recommend(["new"], 5))
    assert [item.item_id for item in surface.neighbours("new").items] == ["pot"]


def test_a_returning_user_is_answered_from_the_past() -> None:
    surface = learned()
    surface.learn_session(["pen", "ink"], 60 * HOUR, "writer")
    for answer in (surface.recommend([], 3, user="writer"), surface.recommend([], 3, user_history=["pen"])):
        assert {"pen", "ink"} < set(ids(answer))
        assert "user_history" in {item.source for item in answer}


def test_levels_add_up_and_the_largest_part_is_named() -> None:
    levels = learned().levels
    found = {
        "blend": [ScoredItem("a", 0.6, "item_walk"), ScoredItem("b", 0.4, "popularity")],
        "user_history": [ScoredItem("b", 1.0, "user_history")],
        "factorisation": [ScoredItem("a", 1.0, "factorisation")],
    }
    weights = {"blend": 0.5, "user_history": 0.25}
    mixed = levels.mix(Occasion([]), found, weights, is_factorising=False)
    assert mixed == [
        ScoredItem("b", pytest.approx(0.45 / 0.75), "user_history"),
        ScoredItem("a", pytest.approx(0.3 / 0.75), "item_walk"),
    ]


def test_taste_leans_the_scores_where_factorisation_is_on() -> None:
    surface = learned()
    user = str(owner_key("u1"))
    items = ["pen", "tea"]
    found = {"blend": [ScoredItem(item, 0.5, "item_walk") for item in items]}
    liking = surface.factorisation.affinities(user, items)
    assert liking is not None
    odds = np.exp(liking) / np.exp(liking).sum()
    on, off = (
        {
            item.item_id: item.score
            for item in surface.levels.mix(Occasion([], user), found, {"blend": 1}, is_on)
        }
        for is_on in (True, False)
    )
    assert on == pytest.approx(dict(zip(items, odds.tolist(), strict=True)), rel=1e-4)
    assert on["pen"] > 0.51
    assert off == {"pen": 0.5, "tea": 0.5}


def test_nothing_learned_shows_nothing() -> None:
    assert Surface().recommend(["tea"], 5, user="u", now=1.0) == []


def test_the_explored_place_shows_each_item_as_often_as_is_told() -> None:
    surface = learned(SurfaceRules(exploration=0.5, offers_per_source=2))
    lists = 1_200
    seen: Counter[str] = Counter()
    told: dict[str, float] = {}
    plain = learned().recommend(["tea"], 3)
    for seed in range(lists):
        shown = surface.recommend(["tea"], 3, user="u1", seed=str(seed))
        assert len(set(ids(shown))) == 3
        assert [item.propensity for item in shown[:2]] == [1.0, 1.0]
        last = shown[-1]
        assert told.setdefault(last.item_id, last.propensity) == last.propensity
        assert last.is_explored == (last.item_id != plain[-1].item_id)
        seen[last.item_id] += 1
    assert len(told) > 2
    assert sum(told.values()) == pytest.approx(1.0)
    for item, propensity in told.items():
        assert seen[item] / lists == pytest.approx(propensity, abs=4 * (propensity / lists) ** 0.5)


def test_exploration_keeps_the_rules() -> None:
    caps = GroupCaps(per_category=2)
    surface = learned(SurfaceRules(exploration=1.0, caps=caps), paper={"available": False})
    explored = set()
    for seed in range(60):
        shown = surface.recommend(["tea"], 4, bought={"tray"}, seed=str(seed))
        assert not {"tray", "paper"} & set(ids(shown))
        assert max(Counter(CATEGORIES.get(item, "desk") for item in ids(shown)).values()) == 2
        explored.add(shown[-1].item_id)
    assert explored


def test_clicks_on_explored_items_teach_the_bandit() -> None:
    surface = learned()
    items = (EmittedItem("tea", "blend", 1.0), EmittedItem("pen", "user_history", 0.1, is_explored=True))
    for number in range(50):
        emission = Emission(str(number), number, number + 9.0, items)
        surface.note_emission(emission)
        for item in ("tea", "pen"):
            click = attribute_click([emission], item, number + 1.0)
            assert click is not None
            surface.note_click(click)
    found = surface.bandit.propensities(["user_history", "blend"])
    assert found["user_history"] > 0.8
    assert surface.attribution.by_source["user_history"].weighed_clicks == pytest.approx(500)


def test_every_source_is_judged_beside_popularity_and_before_it_learns() -> None:
    surface = Surface()
    surface.learn_session(["a", "b"], 1.0, "u")
    scores = surface.judge.summary(2)
    assert scores.keys() > {"popularity", "surface", "blend", "user_history", "factorisation"}
    assert {name for name, found in scores.items() if found["hr@20"]} == set()
    for turn in range(60):
        surface.learn_session(["a", "b"], 2.0 + turn, f"u{turn}")
    scores = surface.judge.summary(2)
    assert scores["surface"]["hr@5"] > 0.9
    assert surface.judge.positions == 61
    assert surface.levels.weights.proportions.sum(axis=1) == pytest.approx(1.0)


def test_factorisation_learns_from_the_second_session_on() -> None:
    surface = Surface()
    for turn in range(3):
        surface.learn_session(["a", "b"], float(turn), "once" if turn == 0 else "twice")
    assert len(surface.factorisation.users) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"exploration": 1.5}, {"offers_per_source": 0}, {"caps": GroupCaps(per_category=0)}],
)
def test_rules_that_cannot_be_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"share from 0 to 1|one item"):
        SurfaceRules(**wrong)


def test_evictions_are_counted_by_what_they_bound() -> None:
    surface = Surface(
        catalogue=CatalogueView(limit=1),
        fallback=CategoryFallback(FallbackSettings(sessions=2)),
        factorisation=Factorisation(FactorisationSettings(users=1, items=1)),
    )
    for item in ("a", "b", "c"):
        surface.catalogue.learn(item, "x")
    for turn in range(4):
        surface.learn_session(["a"], float(turn), f"u{turn % 2}")
    surface.learn_session(["b"], 9.0, "u1")
    assert surface.evictions() == {"catalogue": 2, "sessions": 3, "users": 1, "items": 1}
