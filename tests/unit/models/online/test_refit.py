import pickle
import random

import numpy as np
import pytest

from stream_app.models.features import filled
from stream_app.models.online.refit import MOST_LEAVES, SCREENED, RefitClassifier, RefitRegressor
from stream_app.models.online.refitting import Refits


def users(count, seed=0):
    """Users whose tier follows from two features of ten; one in fourteen is of tier 3."""
    chance = random.Random(seed)
    for _ in range(count):
        x = {f"noise_{n}": chance.random() for n in range(7)}
        x |= {"age": chance.uniform(18, 70), "seconds": chance.gauss(160, 30), "kind": chance.choice("abc")}  # type: ignore[dict-item]
        tier = 2 if x["seconds"] > 170 and x["age"] > 40 else 3 if x["seconds"] > 195 else 1
        yield x, tier


def small(**settings):
    return RefitClassifier(ranking_rounds=4, breadths=(2, 4, 8), trees_each=8, **settings)


def answer(learner, xs):
    return (
        learner.predict_proba_many(xs) if isinstance(learner, RefitClassifier) else learner.predict_many(xs)
    )


@pytest.fixture(scope="module")
def learned():
    learner = small()
    for x, y in users(500):
        learner.learn_one(x, y)
    learner.refresh()
    return learner


def test_refits_fall_due_by_growth_and_never_too_far_apart():
    refits = Refits(first=60, growth=1.5, most_apart=100)
    at = []
    for seen in range(600):
        if seen >= refits.due_at:
            refits.done(seen)
            at.append(seen)
    assert at == [60, 90, 135, 202, 302, 402, 502]


def test_it_finds_the_features_that_matter(learned):
    assert set(learned.newest.forest.columns.features[:2]) == {"age", "seconds"}


def test_of_very_many_features_it_finds_those_that_matter():
    learner, chance = small(first=300), random.Random(1)
    for x, y in users(300):
        learner.learn_one(x | {f"more_{n}": chance.random() for n in range(SCREENED)}, y)
    features = learner.newest.forest.columns.features
    assert set(features[:2]) == {"age", "seconds"}
    assert len(set(features)) <= SCREENED


def test_it_learns_the_rule(learned):
    answers = learned.predict_proba_many([x for x, _ in users(400, seed=9)])
    right = [
        max(answer, key=answer.get) == y for answer, (_, y) in zip(answers, users(400, seed=9), strict=True)
    ]
    assert np.mean(right) > 0.93


def test_probabilities_are_at_the_labels_own_frequencies(learned):
    answers = learned.predict_proba_many([x for x, _ in users(2_000, seed=8)])
    tiers = [y for _, y in users(2_000, seed=8)]
    for answer in answers:
        assert sum(answer.values()) == pytest.approx(1.0)
    for label in (1, 2, 3):
        stated = np.mean([answer[label] for answer in answers])
        assert stated == pytest.approx(np.mean([tier == label for tier in tiers]), abs=0.06)


def test_labels_that_no_feature_tells_apart_keep_their_frequencies():
    chance = random.Random(2)
    learner = small()
    for _ in range(400):
        learner.learn_one({"x": chance.random()}, "seldom" if chance.random() < 0.1 else "often")
    answers = learner.predict_proba_many([{"x": n / 200} for n in range(200)])
    assert np.mean([answer["seldom"] for answer in answers]) == pytest.approx(0.1, abs=0.06)


def test_before_the_first_refit_it_answers_the_shares_so_far():
    learner = small(first=60)
    for x, y in list(users(59)):
        learner.learn_one(x, y)
    counts = [y for _, y in users(59)]
    assert learner.predict_proba_one({}) == {y: counts.count(y) / 59 for y in dict.fromkeys(counts)}


def test_one_label_alone_is_answered_with_certainty():
    learner = small(first=10)
    for x, _ in users(80):
        learner.learn_one(x, "only")
    learner.refresh()
    assert learner.predict_proba_one({"age": 30.0}) == {"only": 1.0}


def test_missing_and_unknown_features_are_answered(learned):
    answers = learned.predict_proba_many(
        [{}, {"kind": "never met", "age": float("nan")}, {"seconds": float("inf")}]
    )
    assert all(sum(answer.values()) == pytest.approx(1.0) for answer in answers)


def test_refresh_sees_what_came_after_the_last_refit():
    learner = small(first=100, growth=10.0)
    examples = [({"x": float(n % 2)}, n % 2) for n in range(100)]
    swapped = [({"x": float(n % 2)}, 1 - n % 2) for n in range(600)]
    for x, y in examples + swapped:
        learner.learn_one(x, y)
    assert learner.predict_proba_one({"x": 1.0})[1] > 0.9
    learner.refresh()
    assert learner.predict_proba_one({"x": 1.0})[1] < 0.4


def test_refresh_without_anything_new_changes_nothing(learned):
    before = learned.newest
    learned.refresh()
    assert learned.newest is before


@pytest.mark.parametrize(
    "make",
    [
        lambda: RefitClassifier(ranking_rounds=4, breadths=(2,), trees_each=4),
        lambda: RefitRegressor(trees=4, first=100),
    ],
)
def test_learning_goes_on_after_a_refresh_as_if_there_had_been_none(make):
    examples = list(users(390))
    xs, ys = [x for x, _ in examples], [y for _, y in examples]
    undisturbed, refreshed = make(), make()
    answers = undisturbed.predict_then_learn(xs, ys)
    given = []
    for first in range(0, 390, 130):
        given += refreshed.predict_then_learn(xs[first : first + 130], ys[first : first + 130])
        refreshed.refresh()
    assert given == answers
    assert undisturbed.newest is undisturbed.fitted
    undisturbed.refresh()
    assert refreshed.newest is not refreshed.fitted
    assert answer(refreshed, xs[:40]) == answer(undisturbed, xs[:40])


def test_the_regressor_learns_a_curve_and_stays_within_what_it_saw():
    chance = random.Random(0)
    learner = RefitRegressor(trees=10)
    for _ in range(1_500):
        x = {"a": chance.uniform(-2, 2), "b": chance.random()}
        learner.learn_one(x, 50 + 10 * x["a"] ** 2)
    xs = [{"a": a / 10, "b": 0.5} for a in range(-40, 41)]
    answers = learner.predict_many(xs)
    assert max(answers) <= 90
    assert min(answers) >= 50
    for x, answer in zip(xs, answers, strict=True):
        if abs(x["a"]) < 1.9:
            assert answer == pytest.approx(50 + 10 * x["a"] ** 2, abs=4)


def test_contributions_add_up_to_what_sets_the_answer_apart_from_labels_all_alike(learned):
    xs = [x for x, _ in users(50, seed=3)]
    labels = [1 + n % 3 for n in range(50)]
    for x, label, parts in zip(xs, labels, learned.contributions_many(xs, labels), strict=True):
        balanced = learned.newest.forest.predict([x])[0][learned.newest.labels.index(label)]
        assert sum(parts.values()) == pytest.approx(balanced - 1 / 3, abs=1e-6)
        assert set(parts) <= set(x)


def test_a_label_that_was_never_learned_has_no_contributions(learned):
    xs = [x for x, _ in users(2, seed=3)]
    unknown, known = learned.contributions_many(xs, [9, 1])
    assert unknown == {}
    assert known == learned.contributions_many(xs[1:], [1])[0]


def test_filled_puts_the_median_of_what_is_known():
    rows = np.array([[1, np.nan], [np.nan, np.inf], [5, np.nan], [9, np.nan]], dtype=np.float32)
    done, missing = filled(rows)
    np.testing.assert_array_equal(missing, [5, 0])
    np.testing.assert_array_equal(done, [[1, 0], [5, 0], [5, 0], [9, 0]])
    np.testing.assert_array_equal(filled(rows[:1], missing)[0], [[1, 0]])


def test_it_learns_from_what_it_may_see():
    learner = small(sees=("noise_*", "kind"), first=60)
    for x, y in users(120):
        learner.learn_one(x, y)
    columns = learner.fitted.forest.columns
    assert columns.features
    assert all(name.startswith("noise_") or name == "kind" for name in columns.features)


@pytest.mark.parametrize("learner", [small(first=20), RefitRegressor(first=20)])
def test_examples_without_any_feature_are_learned_as_the_baseline_learns_them(learner):
    for n in range(60):
        learner.learn_one({}, n % 2)
    learner.refresh()
    assert learner.fitted is None


def test_a_forest_takes_no_more_room_however_much_is_learned():
    """13 MB at 16,000 examples were to grow on; trees that are bounded cost next to nothing in R2."""
    chance = np.random.default_rng(0)
    learner = RefitRegressor(trees=4, first=6_000, growth=10.0)
    values = chance.random((6_000, 3))
    for row in values.tolist():
        learner.learn_one(dict(zip("abc", row, strict=True)), 100 * row[0] * row[1] + chance.normal(0, 20))
    forest = learner.newest.forest
    assert len(forest) == 4
    assert len(forest._feature) <= 4 * (2 * MOST_LEAVES - 1)
    bytes_a_node = 14 + 4
    assert len(pickle.dumps(forest, 5)) < len(forest._feature) * bytes_a_node + 1_000
