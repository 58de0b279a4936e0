import random
from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from stream_app.models.learning import Example
from stream_app.models.online.bounds import rounded
from stream_app.models.online.estimators import RefitEstimator
from stream_app.models.online.sample import Sample
from stream_app.models.outcomes import contenders
from stream_app.models.snapshot import dump, load
from stream_app.models.targets import OUTCOMES, outcome_model


def users(count, seed=0):
    """Those who come often come again; many do not say their age, and one number is infinite now and then."""
    chance = random.Random(seed)
    for _ in range(count):
        uses = chance.randrange(20)
        x = {"uses": float(uses), "noise": chance.gauss(0, 1)}
        if chance.random() < 0.5:
            x["age"] = chance.choice([25.0, 60.0, float("inf")])
        yield x, chance.random() < (0.15 if uses < 8 else 0.85)


def learned(make, count=500):
    learner, sample = make(0), Sample(count, seed=0)
    examples = [(rounded(x), y) for x, y in users(count)]
    for x, y in examples:
        sample.add(x, y)
    sample.fit_bounds(count)
    learner.share(sample)
    answers = learner.predict_then_learn([x for x, _ in examples], [y for _, y in examples])
    learner.refresh()
    return learner, answers


CREATED_AT = datetime(2024, 1, 1, tzinfo=UTC)
MAKERS = [contenders.boosted_trees, contenders.log_linear, contenders.curves_and_lines, contenders.logistic]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_what_tells_is_learned(make):
    learner, _ = learned(make)
    often, seldom = learner.predict_proba_many([{"uses": 15.0, "noise": 0.0}, {"uses": 1.0, "noise": 0.0}])
    assert often[True] > 0.65
    assert seldom[True] < 0.35
    for answer in learner.predict_proba_many([{}, {"age": float("nan")}, {"never_met": 3.0}]):
        assert sum(answer.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_contributions_add_up_to_what_sets_the_answer_apart_from_knowing_nothing(make):
    learner, _ = learned(make)
    xs = [x for x, _ in users(12, seed=4) if "age" not in x or np.isfinite(x["age"])]
    nothing = learner.predict_proba_one({})[True]
    explained = learner.contributions_many(xs, [True] * len(xs))
    for x, parts in zip(xs, explained, strict=True):
        assert sum(parts.values()) == pytest.approx(learner.predict_proba_one(x)[True] - nothing)
    weights = {
        name: sum(abs(parts.get(name, 0.0)) for parts in explained) for name in ("uses", "age", "noise")
    }
    assert max(weights, key=weights.get) == "uses"


@pytest.mark.parametrize("make", MAKERS[:3], ids=lambda make: make.__name__)
def test_answers_while_learning_do_not_know_the_label_and_do_not_depend_on_the_cut(make):
    examples = list(users(450))
    learner, given = make(0), []
    for first in range(0, 450, 130):
        part = examples[first : first + 130]
        given += learner.predict_then_learn([x for x, _ in part], [y for _, y in part])
        learner.refresh()
    assert given == learned(make, 450)[1]


def test_the_first_refits_fall_due_by_growth():
    learner = RefitEstimator(lambda _: LogisticRegression(), first=100, growth=2.0)
    estimators = []
    for x, y in users(450):
        learner.learn_one({"uses": x["uses"]}, y)
        if learner.fitted and (not estimators or estimators[-1][1] is not learner.fitted):
            estimators.append((learner._seen, learner.fitted))
    assert [seen for seen, _ in estimators] == [100, 200, 400]


def test_until_two_labels_were_met_it_answers_the_shares_so_far():
    learner = contenders.boosted_trees(0)
    for n in range(250):
        learner.learn_one({"x": float(n)}, False)
    learner.refresh()
    assert learner.predict_proba_one({"x": 1.0}) == {False: 1.0}
    assert learner.predict_proba_many([]) == []


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_outcome_is_foretold_better_than_by_its_share_and_goes_on_from_a_snapshot(name):
    stream = [Example(x, y) for x, y in users(900)]
    model = outcome_model(name, seed=3)
    model.learn_many(stream[:600])
    model, _ = load(dump(model, b"key", 599, CREATED_AT), b"key")  # type: ignore[assignment]
    model.learn_many(stream[600:])
    scores = model.scores()
    assert scores["model"]["rolling"]["roc_auc"] > 0.75
    assert scores["baseline"]["rolling"]["roc_auc"] < 0.6
    assert scores["model"]["rolling"]["log_loss"] < scores["baseline"]["rolling"]["log_loss"] - 0.1
    unbroken = outcome_model(name, seed=3)
    unbroken.learn_many(stream)
    assert unbroken.scores() == scores
    assert unbroken.predict_many([x for x, _ in stream[:9]]) == model.predict_many([x for x, _ in stream[:9]])


@pytest.mark.parametrize(("place", "name"), enumerate(OUTCOMES))
def test_shuffled_outcomes_bring_the_model_to_its_baseline(place, name):
    examples = list(users(800, seed=place))
    labels = [not y if name == "churn" else y for _, y in examples]
    random.Random(1).shuffle(labels)
    model = outcome_model(name)
    model.learn_many([Example(x, y) for (x, _), y in zip(examples, labels, strict=True)])
    scores = model.scores()
    assert abs(scores["model"]["overall"]["roc_auc"] - 0.5) < 0.07
    assert scores["model"]["overall"]["log_loss"] > scores["baseline"]["overall"]["log_loss"] - 0.01


def test_an_outcome_nobody_asks_about_is_refused():
    with pytest.raises(KeyError):
        outcome_model("weather")
