import random

import pytest

from stream_app.models.judging.baselines import ClassFrequencies
from stream_app.models.learning import ClassificationModel, Example, RegressionModel, Status
from stream_app.models.online.bounds import FIRST_AT
from stream_app.models.online.learners import BatchClassifier, BatchRegressor
from stream_app.models.online.refit import RefitClassifier, RefitRegressor
from stream_app.models.spec import ClassificationSpec, RegressionSpec


class Fixed(BatchClassifier):
    """Answers the same whatever comes."""

    def __init__(self, answer):
        self.answer = answer

    def learn_one(self, x, y):
        pass

    def predict_proba_many(self, xs):
        return [self.answer] * len(xs)


class Echo(BatchRegressor):
    """Answers with a feature, and remembers what it was shown."""

    def __init__(self):
        self.shown = []

    def learn_one(self, x, y):
        self.shown.append((x, y))

    def predict_many(self, xs):
        return [x["guess"] for x in xs]


def classifying(answer, **settings):
    spec = ClassificationSpec(
        name="t", version=1, label_rule="given", learners={"fixed": lambda _: Fixed(answer)}, **settings
    )
    return ClassificationModel(spec)


def regressing(**settings):
    spec = RegressionSpec(
        name="r",
        version=1,
        label_rule="given",
        learners={"echo": lambda _: Echo()},
        value_range=(0.0, 100.0),
        **settings,
    )
    return RegressionModel(spec)


def test_it_warms_up_on_the_baselines_answer_and_says_so():
    model = classifying({"a": 0.0, "b": 1.0}, minimum_examples=10)
    answers = model.learn_many([Example({}, "a" if n % 3 else "b") for n in range(12)])
    assert [answer.status for answer in answers] == [Status.WARMING_UP] * 10 + [Status.READY] * 2
    assert answers[0].label is None
    assert answers[9].label == "a"
    assert answers[9].probabilities == pytest.approx({"a": 5 / 9, "b": 4 / 9}, abs=0.12)
    assert answers[10].label == "b"


@pytest.mark.parametrize(("correction", "decision"), [(0.0, "often"), (0.5, "often"), (1.0, "seldom")])
def test_the_decision_corrects_for_how_rare_labels_are(correction, decision):
    model = classifying({"often": 0.8, "seldom": 0.2}, minimum_examples=0, prior_correction=correction)
    model.learn_many([Example({}, "seldom" if n % 10 == 0 else "often") for n in range(100)])
    prediction = model.predict({})
    assert prediction.label == decision
    assert prediction.probabilities == {"often": 0.8, "seldom": 0.2}


def test_each_answer_is_judged_before_its_label_is_learned():
    """A label that comes up for the first time was expected by nobody."""
    model = classifying({"a": 1.0}, minimum_examples=0)
    model.learn_many([Example({}, "a"), Example({}, "b"), Example({}, "a")])
    assert model.scores()["model"]["overall"]["accuracy"] == pytest.approx(0.5)
    assert model.scores()["baseline"]["overall"]["accuracy"] == pytest.approx(0.5)
    assert model.examples_seen == 3


def test_answers_are_clipped_to_the_range():
    model = regressing(minimum_examples=1)
    model.learn(Example({"guess": 0.0}, 40.0))
    assert [p.value for p in model.predict_many([{"guess": -5.0}, {"guess": 50.0}, {"guess": 300.0}])] == [
        0,
        50,
        100,
    ]
    assert model.learn(Example({"guess": 300.0}, 90.0)).value == 100


def test_learners_see_only_the_features_of_the_spec():
    model = regressing(features=("guess", "absent"))
    model.learn_many([Example({"guess": 3.0, "leak": 40.0}, 40.0)] * FIRST_AT)
    assert model.champion.shown == [({"guess": 3.0}, 40.0)] * FIRST_AT


def test_a_better_challenger_becomes_champion():
    spec = ClassificationSpec(
        name="t",
        version=1,
        label_rule="given",
        learners={
            "wrong": lambda _: Fixed({"a": 0.1, "b": 0.9}),
            "right": lambda _: Fixed({"a": 0.9, "b": 0.1}),
        },
        minimum_examples=0,
        prior_correction=0.0,
    )
    model = ClassificationModel(spec)
    model.learn_many([Example({}, "b" if n % 50 == 0 else "a") for n in range(40)])
    assert model.contest.champion == "wrong"
    model.learn_many([Example({}, "a") for n in range(400)])
    assert model.contest.champion == "right"
    assert model.predict({}).label == "a"


def test_the_baseline_of_a_classification_is_the_majority():
    baseline = ClassFrequencies()
    for label in "abbbc":
        baseline.learn_one({}, label)
    assert baseline.predict_proba_one({}) == {"a": 0.2, "b": 0.6, "c": 0.2}


CHANCE = random.Random(7)
USERS = [{"seconds": CHANCE.gauss(0, 1), "kind": CHANCE.choice("ab")} for _ in range(900)]
TIERS = [3 if x["seconds"] > 1.3 else 2 if x["seconds"] > 0.6 and x["kind"] == "a" else 1 for x in USERS]


def tier_learner(seed):
    return RefitClassifier(ranking_rounds=4, breadths=(2, 3), trees_each=10, seed=seed)


def small_tier_model():
    return ClassificationModel(
        ClassificationSpec(name="t", version=1, label_rule="given", learners={"forest": tier_learner})
    )


def small_value_model():
    return RegressionModel(
        RegressionSpec(
            name="r",
            version=1,
            label_rule="given",
            learners={"forest": lambda seed: RefitRegressor(trees=10, seed=seed)},
            value_range=(0.0, 100.0),
        )
    )


def test_true_labels_beat_the_baseline():
    model = small_tier_model()
    model.learn_many([Example(x, y) for x, y in zip(USERS, TIERS, strict=True)])
    scores = model.scores()
    assert scores["model"]["rolling"]["macro_f1"] > scores["baseline"]["rolling"]["macro_f1"] + 0.3
    assert scores["model"]["rolling"]["log_loss"] < 0.5 * scores["baseline"]["rolling"]["log_loss"]


def test_shuffled_tiers_bring_the_model_to_its_baseline():
    shuffled = TIERS.copy()
    random.Random(1).shuffle(shuffled)
    model = small_tier_model()
    model.learn_many([Example(x, y) for x, y in zip(USERS, shuffled, strict=True)])
    scores = model.scores()
    assert scores["model"]["overall"]["log_loss"] > scores["baseline"]["overall"]["log_loss"] - 0.02
    assert scores["model"]["overall"]["macro_f1"] < scores["baseline"]["overall"]["macro_f1"] + 0.1
    assert scores["model"]["overall"]["macro_f1"] < 0.4


def test_shuffled_values_bring_the_model_to_its_baseline():
    values = [50 + 10 * x["seconds"] for x in USERS]
    true = small_value_model()
    true.learn_many([Example(x, y) for x, y in zip(USERS, values, strict=True)])
    assert true.scores()["model"]["rolling"]["r2"] > 0.9
    random.Random(1).shuffle(values)
    shuffled = small_value_model()
    shuffled.learn_many([Example(x, y) for x, y in zip(USERS, values, strict=True)])
    assert shuffled.scores()["model"]["overall"]["r2"] < 0.05


def test_the_reasons_for_a_tier_are_what_the_rule_goes_by():
    model = small_tier_model()
    assert model.explain(USERS[0], 1) == []
    model.learn_many(
        [Example(x | {"noise": n % 17}, y) for n, (x, y) in enumerate(zip(USERS, TIERS, strict=True))]
    )
    long_visits = {"seconds": 2.5, "kind": "b", "noise": 3}
    reasons = model.explain(long_visits, model.predict(long_visits).label, most=2)
    assert (reasons[0].feature, reasons[0].value) == ("seconds", 2.5)
    assert reasons[0].contribution > 0.3
    assert len(reasons) <= 2
    assert model.explain(long_visits, 1)[0].contribution < -0.2


def test_many_are_explained_as_each_alone():
    model = small_tier_model()
    model.learn_many([Example(x, y) for x, y in zip(USERS, TIERS, strict=True)])
    labels = [1 + n % 3 for n in range(30)]
    explained = model.explain_many(USERS[:30], labels, most=1)
    assert explained == [[model.explain(x, label)[0]] for x, label in zip(USERS, labels, strict=False)]
    assert model.explain_many([], []) == []


def test_a_learner_without_a_measure_of_its_own_is_explained_by_features_as_they_become_known():
    class Both(Fixed):
        def predict_proba_many(self, xs):
            return [{"a": 0.1 + 0.5 * ("x" in x) + 0.2 * ("x" in x and "y" in x)} for x in xs]

    parts = Both({}).contributions_many([{"x": 1, "y": 2, "z": 3}], ["a"])[0]
    assert parts == pytest.approx({"x": 0.6, "y": 0.1, "z": 0.0})
