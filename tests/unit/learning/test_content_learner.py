"""Outcomes in, scores out: once in every span of event time, whatever the calls that bring them."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from support.item_outcomes import BEGIN, outcomes, taught_stream

from stream_app.learning.catalogue_features import CatalogueFeatures, features_of
from stream_app.learning.content_learner import ContentLearner
from stream_app.learning.trainer import ExampleOutcome, Taught, Trainer
from stream_app.models.learning import Status
from stream_app.models.targets import engagement_model
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.outputs import ContentScore

DAY = 86_400.0
CLOCK = BEGIN + timedelta(days=400)


def learned(
    taught: Sequence[Taught], at_once: int, interval: float = DAY
) -> tuple[ContentLearner, list[ContentScore]]:
    learner = ContentLearner(engagement_model(), interval, CLOCK.timestamp)
    trainer, told = Trainer({learner.name: learner}), list[ContentScore]()
    numbered = list(enumerate(taught))
    for first in range(0, len(numbered), at_once):
        part = numbered[first : first + at_once]
        assert set(trainer.learn(part)) == {ExampleOutcome.LEARNED}
        told += learner.pop_scores()
    return learner, told


def test_scores_are_told_once_a_day_of_event_time() -> None:
    learner, told = learned(taught_stream(200), at_once=50)
    days = sorted({score.as_of.date() for score in told})
    assert len(days) == 200 * 2 // 24
    assert days[0] == BEGIN.date()
    by_cause = {(score.as_of, score.item_id) for score in told}
    assert len(by_cause) == len({score.id for score in told}) == len(told)
    assert {score.item_id for score in told} == {f"c{number}" for number in range(6)}
    assert all(score.as_of < CLOCK == score.emitted_at for score in told)
    last = told[-1]
    assert last.user_key is None
    assert last.model is not None
    assert 0 < last.model.examples_seen <= learner.stamp().examples_seen
    assert last.interval[0] < 100 * last.completers / last.starters < last.interval[1]
    _, hourly = learned(taught_stream(200), at_once=50, interval=3_600)
    assert len({score.as_of for score in hourly}) > 5 * len(days)


def test_how_examples_are_cut_into_calls_makes_no_difference() -> None:
    taught = taught_stream(300)
    one, told = learned(taught, at_once=300)
    for at_once in (1, 7):
        other, told_otherwise = learned(taught, at_once)
        assert told_otherwise == told
        assert other.model.scores() == one.model.scores()


def test_when_snapshots_are_taken_makes_no_difference() -> None:
    taught = list(enumerate(taught_stream(2_000)))
    tales = []
    for snapshot_at in (900, 1_400):
        learner = ContentLearner(engagement_model(), 20 * DAY, CLOCK.timestamp)
        trainer = Trainer({learner.name: learner})
        trainer.learn(taught[:snapshot_at])
        learner.model.refresh()
        trainer.learn(taught[snapshot_at:])
        tales.append(learner.pop_scores())
    assert learner.model.status is Status.READY
    assert tales[0] == tales[1] != []


def test_what_comes_again_is_learned_once() -> None:
    taught = taught_stream(60)
    learner = ContentLearner(engagement_model(), DAY, CLOCK.timestamp)
    trainer = Trainer({learner.name: learner})
    trainer.learn(list(enumerate(taught)))
    again = trainer.learn(list(enumerate(taught[30:], len(taught))))
    assert set(again) == {ExampleOutcome.REPEATED}
    assert learner.model.items.all() == learned(taught, 60)[0].model.items.all()


def test_outcomes_carry_what_the_catalogue_says_of_their_items() -> None:
    catalogue = CatalogueFeatures(limit=2)
    item = CatalogueItem.model_validate(
        {
            "item_id": "c1", "kind": "course", "title": "Drawing", "category": "art", "price": 12.5,
            "tags": ["short", "new"], "available": False,
            "attributes": {"lessons": 9, "kind": "mine", "url": "https://example.org/c1", "text": "x" * 65},
        }
    )  # fmt: skip
    expected = {
        "kind": "course", "category": "art", "price": 12.5, "tag_short": "yes", "tag_new": "yes",
        "lessons": 9,
    }  # fmt: skip
    assert features_of(item) == expected
    catalogue.put(item)
    told = outcomes(1, Random(4))
    named = told.model_copy(
        update={"outcomes": [told.outcomes[0].model_copy(update={"item_id": name}) for name in ("c1", "no")]}
    )
    stored = CatalogueFeatures()
    stored.restore_state(catalogue.to_state())
    assert [outcome.features for outcome in stored.complete(named).outcomes] == [expected, {}]
    for name in ("c2", "c3"):
        catalogue.put(CatalogueItem(item_id=name))
    assert (catalogue.get("c1"), catalogue.get("c3")) == ({}, {"kind": "product"})
