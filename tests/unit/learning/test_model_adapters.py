import random

import pytest

from stream_app.learning.model_adapters import OutcomeScorer, TierScorer
from stream_app.models.targets import outcome_model, tier_model

CHANCE = random.Random(0)
USERS = [{"uses": float(CHANCE.randrange(20)), "noise": CHANCE.random()} for _ in range(260)]


def test_reasons_come_in_one_call_for_those_asked_for():
    scorer = TierScorer(tier_model())
    assert scorer.explain_tiers(USERS[:2], [1, 2]) == [[], []]
    scorer.learn_many([(x, "3" if x["uses"] > 12 else 1) for x in USERS[:110]])
    often, seldom = {"uses": 18.0, "noise": 0.5}, {"uses": 2.0, "noise": 0.5}
    explained = scorer.explain_tiers([often, seldom, often], [3, 3, 1], most=1)
    assert [len(reasons) for reasons in explained] == [1, 1, 1]
    assert [(reasons[0].feature, reasons[0].value) for reasons in explained] == [
        ("uses", 18.0), ("uses", 2.0), ("uses", 18.0),
    ]  # fmt: skip
    assert explained[0][0].contribution > 0.2
    assert explained[1][0].contribution < -0.2
    assert explained[2][0].contribution == pytest.approx(-explained[0][0].contribution)
    assert scorer.explain_tiers([], []) == []


def test_outcomes_are_learned_from_true_and_false_alone():
    scorer = OutcomeScorer(outcome_model("purchase"))
    labels = [True, 0, 1.0, "true", 2, 0.5, False]
    usable = scorer.learn_many([(x, label) for x, label in zip(USERS, labels, strict=False)])
    assert usable == [True, True, True, False, False, False, True]
    assert scorer.model.examples_seen == 4
    assert scorer.predict_chances(USERS[:2]) == [0.5, 0.5]
    scorer.learn_many([(x, x["uses"] > 12) for x in USERS])
    scorer.refresh()
    often, seldom = scorer.predict_chances([{"uses": 18.0}, {"uses": 2.0}])
    assert often > 0.8 > 0.2 > seldom


def test_the_users_learned_of_are_told_apart_by_one_of_the_outcomes():
    users = [{"uses": 20.0 * (n % 2) + CHANCE.random()} for n in range(256)]
    returns, churn = OutcomeScorer(outcome_model("will_return")), OutcomeScorer(outcome_model("churn"))
    assert returns.clusters_of(users[:2]) == [None, None]
    for scorer, known in ((returns, users), (churn, users[:20])):
        scorer.learn_many([(x, CHANCE.random() < 0.5) for x in known])
    often, seldom = returns.clusters_of([{"uses": 20.5}, {"uses": 0.5}])
    assert often.traits[0].feature == seldom.traits[0].feature == "uses"
    assert often.traits[0].difference > 0.5 > -0.5 > seldom.traits[0].difference
    assert often.number != seldom.number
    assert churn.clusters_of(users[:1]) == [None]
