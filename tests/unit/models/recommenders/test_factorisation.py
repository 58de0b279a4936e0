import random
from math import exp, sqrt

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stream_app.models.recommenders.factorisation import (
    Factorisation,
    FactorisationSettings,
    FactorisationState,
)

SMALL = FactorisationSettings(users=4, items=5, feature_rows=8, factors=3)
visits = st.lists(
    st.tuples(
        st.sampled_from(["u", "v", "w", "x", "y", "z"]),
        st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4),
    ),
    max_size=20,
)


def tastes() -> Factorisation:
    """Forty users, half of whom click tools and half toys; nobody has clicked `new tool` but for one."""
    draw, model = random.Random(5), Factorisation(FactorisationSettings(users=60, items=40))
    items = {kind: [f"{kind}{number}" for number in range(10)] for kind in ("tool", "toy")}
    for _ in range(30):
        for user in range(40):
            kind = "tool" if user % 2 else "toy"
            clicked = draw.sample(items[kind], 2)
            model.learn(f"u{user}", clicked, [[f"category:{kind}"]] * 2)
    model.learn("u1", ["new"], [["category:tool"]])
    return model


def learn(model: Factorisation, stream) -> None:
    for user, items in stream:
        model.learn(user, items, [[f"c:{item in 'abc'}"] for item in items], ["device:phone"])


def test_users_are_offered_what_others_of_their_taste_click() -> None:
    model = tastes()
    for user, kind in (("u3", "tool"), ("u4", "toy")):
        first = model.recommend(user, 8)
        assert all(item.item_id.startswith(kind) or item.item_id == "new" for item in first)
        assert sum(item.score for item in first) < 1
        assert [item.score for item in first] == sorted((item.score for item in first), reverse=True)
    everything = model.recommend("u3", 100)
    assert len(everything) == 21
    assert sum(item.score for item in everything) == pytest.approx(1.0)
    liking = model.affinities("u3", ["tool1", "toy1", "never seen"])
    assert liking is not None
    assert liking[0] > liking[2] == 0 > liking[1]


def test_a_new_item_is_liked_for_its_category() -> None:
    with_category = tastes().affinities("u5", ["new"])
    assert with_category is not None
    assert with_category[0] > 1
    lone = tastes()
    lone.learn("u1", ["lone"])
    without_category = lone.affinities("u5", ["lone"])
    assert without_category is not None
    assert with_category[0] > 2 * without_category[0]


def test_a_user_takes_after_others_of_the_same_features() -> None:
    model = Factorisation(FactorisationSettings(users=60, items=40))
    for turn in range(600):
        device = "phone" if turn % 2 else "desk"
        model.learn(f"u{turn % 40}", [f"{device}{turn % 7}"], (), [f"device:{device}"])
    model.learn("fresh", ["phone0"])
    plain, on_phone = (model.affinities("fresh", ["phone1"], features) for features in ((), ["device:phone"]))
    assert plain is not None
    assert on_phone is not None
    assert on_phone[0] > plain[0] + 0.5


def test_one_step_is_that_of_adagrad_on_the_logistic_loss() -> None:
    settings = FactorisationSettings(users=2, items=2, feature_rows=4, factors=2, negatives=0)
    model = Factorisation(settings)
    untouched = Factorisation(settings)
    untouched._touch_item("a")
    initial = untouched._item_table.vectors[0].astype(float)
    model.learn("u", ["a"])  # the user's vector is zero until then: the item's only shrinks
    first_vector = model._item_table.vectors[0].astype(float)
    shrinking = settings.shrinkage * initial
    shrunk = initial - settings.step / sqrt(1 + shrinking @ shrinking + 0.5**2) * shrinking
    assert first_vector == pytest.approx(shrunk, rel=1e-4)
    gradient, squares = 0.5 * initial, (0.5 * initial) @ (0.5 * initial) + 0.5**2
    user = settings.step / sqrt(1 + squares) * gradient
    liking = model.affinities("u", ["a"])
    assert liking is not None
    assert liking[0] == pytest.approx(user @ first_vector, rel=1e-4)

    logit = (
        user @ first_vector
        + settings.step / sqrt(1 + squares) * 0.5
        + model._item_table.biases[0]
        + model._global_bias
    )
    second_miss = 1 - 1 / (1 + exp(-logit))
    bias = model._item_table.biases[0]
    item_squares = model._item_table._squares[0]
    model.learn("u", ["a"])
    towards = second_miss * user - settings.shrinkage * first_vector
    step = settings.step / sqrt(1 + item_squares + towards @ towards + second_miss**2)
    assert model._item_table.vectors[0] == pytest.approx(first_vector + step * towards, rel=1e-4)
    assert model._item_table.biases[0] == pytest.approx(bias + step * second_miss, rel=1e-4)


@given(visits)
@hypothesis_settings(deadline=None, max_examples=40)
def test_shares_are_the_softmax_of_biases_and_products(stream):
    model = Factorisation(SMALL)
    learn(model, stream)
    for user in {user for user, _ in stream if model.knows(user)}:
        taste = (
            model._user_table.vectors[model.users.find(user)]
            + model._user_feature_table.vectors[model._feature_rows(["device:phone"])[0]]
        )
        logits = {}
        for item in "abcdefg":
            row = model.items.find(item)
            if row is not None:
                feature = model._feature_rows([f"c:{item in 'abc'}"])[0]
                vector = model._item_table.vectors[row] + model._item_feature_table.vectors[feature]
                bias = model._item_table.biases[row] + model._item_feature_table.biases[feature]
                logits[item] = float(vector @ taste + bias)
        total = sum(exp(logit) for logit in logits.values())
        found = {item.item_id: item.score for item in model.recommend(user, 10, ["device:phone"])}
        expected = {item: exp(logit) / total for item, logit in logits.items()}
        assert found == pytest.approx(expected, rel=1e-3)


@given(visits, visits)
@hypothesis_settings(deadline=None, max_examples=40)
def test_killed_and_resumed_is_never_killed(before, after):
    model = Factorisation(SMALL)
    learn(model, before)
    packed = msgspec.msgpack.encode(model.to_state())
    resumed = Factorisation.from_state(msgspec.msgpack.decode(packed, type=FactorisationState))
    for one in (model, resumed):
        learn(one, after)
    assert resumed.to_state() == model.to_state()
    for user in "uvwxyz":
        assert resumed.recommend(user, 9) == model.recommend(user, 9)


def test_caps_hold_and_evictions_are_counted() -> None:
    model = Factorisation(SMALL)
    for turn in range(50):
        model.learn(f"user {turn % 7}", [f"item {turn % 9}"])
    assert len(model.users) == 4
    assert len(model.items) == 5
    assert model.users.evictions == 50 - 4
    assert model.items.evictions == 50 - 5
    assert not model.knows("user 2")  # of turns 49, 48, 47 and 46 are users 0, 6, 5 and 4


def test_a_forgotten_user_is_unknown_and_leaves_no_vector() -> None:
    model = tastes()
    row = model.users.find("u3")
    assert model.forget("u3")
    assert not model.forget("u3")
    assert model.recommend("u3", 5) == []
    assert model.affinities("u3", ["tool1"]) is None
    assert not model._user_table.vectors[row].any()
    model.learn("anew", ["toy1"])
    assert model.users.find("anew") == row
    assert [item.item_id[:3] for item in model.recommend("anew", 1)] == ["toy"]


def test_one_who_clicks_without_end_keeps_everything_finite() -> None:
    model = Factorisation(FactorisationSettings(users=2, items=60))
    for _ in range(300):
        model.learn("bot", [f"i{number}" for number in range(50)], [["category:x", "brand:y"]] * 50)
    assert all(np.isfinite(item.score) for item in model.recommend("bot", 50))
    assert len(model.recommend("bot", 50)) == 50
    assert model.recommend("bot", 50)[0].score < 0.2


def test_what_is_clicked_is_no_negative_of_itself() -> None:
    model = Factorisation(SMALL)
    for _ in range(20):
        model.learn("u", ["a"])
    model.learn("u", ["b"])  # against `a`, the only other item
    bias_of = {item: model._item_table.biases[model.items.find(item)] for item in "ab"}
    assert bias_of["a"] < 1
    assert bias_of["b"] > 0
    lone = Factorisation(SMALL)
    for _ in range(20):
        lone.learn("u", ["a"])
    assert lone._item_table.biases[0] > 1
