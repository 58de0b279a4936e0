import random

import msgspec
import pytest

from stream_app.models.recommenders import Blend, IndexLimits, SessionIndex


@pytest.fixture
def blend() -> Blend:
    draw = random.Random(1)
    blend = Blend(SessionIndex(IndexLimits(sessions=500, clicks=4_000, items=200)))
    for turn in range(400):
        topic = draw.choice("pqr")
        blend.learn_session([f"{topic}{draw.randint(1, 9)}" for _ in range(draw.randint(1, 6))], turn * 900.0)
    return blend


def ids(recommendations) -> list[str]:
    return [item.item_id for item in recommendations]


def test_what_was_clicked_together_comes_first(blend):
    assert {item[0] for item in ids(blend.recommend(["p1", "p2"], 8))} == {"p"}


def test_recommendations_are_distinct_ranked_and_name_their_source(blend):
    recommended = blend.recommend(["q3"], 20)
    assert len(set(ids(recommended))) == 20
    scores = [item.score for item in recommended]
    assert scores == sorted(scores, reverse=True)
    assert {item.source for item in recommended} <= {source.name for source in blend.sources}


@pytest.mark.parametrize("session", [[], ["unknown"]])
def test_without_a_known_item_the_popular_are_recommended(blend, session):
    recommended = blend.recommend(session, 5)
    assert len(recommended) == 5
    assert {item.source for item in recommended} == {"popularity"}


def test_before_the_first_session_there_is_nothing_to_recommend():
    assert Blend().recommend(["a"], 5) == []


def test_the_current_item_may_be_recommended_unless_excluded(blend):
    assert "r4" in ids(blend.recommend(["r4"], 9))
    recommended = ids(blend.recommend(["r4"], 20, exclude={"r4", "r5", "unknown"}))
    assert len(recommended) == 20
    assert not {"r4", "r5"} & set(recommended)


def test_a_new_item_is_recommended_after_its_first_click_next_to_another(blend):
    for companion in ("p5", "r1", "brand new"):
        blend.learn_session(["rare", companion], 400 * 900.0)
    assert "brand new" in ids(blend.recommend(["rare"], 5))
    assert "rare" in ids(blend.recommend(["brand new"], 5))


def test_weights_move_to_the_sources_that_foresee():
    blend = Blend()
    for turn in range(300):
        blend.learn_session([f"once {turn}", f"next {turn % 2}", f"next {turn % 2}"], turn * 60.0)
    weights = dict(zip([s.name for s in blend.sources], blend.weights.proportions.max(axis=0), strict=True))
    assert weights["session_history"] > 0.3
    assert sum(blend.weights.observations) > 100


def test_a_session_judges_the_sources_before_it_is_learned():
    blend = Blend()
    blend.learn_session(["a", "b"], 1.0)
    assert sum(blend.weights.observations) == 0


def test_a_state_that_is_none_is_refused():
    with pytest.raises(msgspec.DecodeError):
        Blend.from_state(b"\x93\x01")


def test_an_owners_items_are_recommended_to_nobody_once_forgotten(blend):
    blend.learn_session(["p1", "secret"], 1e6, owner="ann")
    assert "secret" in ids(blend.recommend(["p1"], 50))
    assert blend.forget("ann") == 1
    for session in ([], ["p1"], ["secret"]):
        assert "secret" not in ids(blend.recommend(session, 100))
    assert b"secret" not in blend.to_state()
    assert b"ann" not in blend.to_state()


def test_an_explanation_is_of_what_is_recommended_and_names_the_strongest_lead():
    blend = Blend()
    for turn, items in enumerate(["ax", "bx", "by", "bz"] * 3):
        blend.learn_session(list(items), 60.0 * turn)
    explained = blend.explain(["b", "a", "unheard"], 4, exclude=["y"])
    assert [explanation.item for explanation in explained] == blend.recommend(["b", "a"], 4, exclude=["y"])
    by_item = {explanation.item.item_id: explanation for explanation in explained}
    assert by_item["x"].after == "a"  # the one thing that goes with it; a third of what goes with "b"
    assert by_item["z"].after == "b"
    for item, source_shares, _ in explained:
        assert sum(source_shares.values()) == pytest.approx(1)
        assert source_shares[item.source] == max(source_shares.values())


def test_a_situation_in_which_people_go_back_moves_the_current_item_up():
    blend = Blend()
    draw = random.Random(3)
    for turn in range(600):
        first, second, other = draw.sample("abcdefgh", 3)
        blend.learn_session([first, first, first] if turn % 2 else [first, second, other], turn * 60.0)
    after_repeat, after_change = (
        next(item.score for item in blend.recommend(session, 8) if item.item_id == "a")
        for session in ("aa", "ba")
    )
    assert after_repeat > 0.8
    assert after_change < 0.4


def test_evictions_are_counted_by_cap():
    limits = IndexLimits(sessions=2, clicks=100, items=3, clicks_per_session=3, clicks_per_item=1)
    blend = Blend(SessionIndex(limits))
    for turn, items in enumerate(["ab", "aab", "cdea", "b"]):
        blend.learn_session(list(items), turn * 60.0)
    assert blend.evictions.keys() == {"sessions", "items", "session_clicks", "item_clicks"}
    assert min(blend.evictions.values()) > 0
