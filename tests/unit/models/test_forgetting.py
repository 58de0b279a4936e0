"""Models that learned a user and forgot them are those that never met the user."""

import random

import numpy as np
import pytest

from stream_app.models.content.item_use import Start
from stream_app.models.learning import Example
from stream_app.models.online.sample import NOBODY, Mark
from stream_app.models.targets import engagement_model, outcome_model, tier_model, unlearned_model

ERASED = 7


def marked(count, label_of, seed=0, owners=30):
    chance = random.Random(seed)
    for n in range(count):
        owner = 1 + n % owners
        x: dict[str, float | str] = {"trait_age": chance.gauss(40, 10), "uses": float(chance.randrange(20))}
        if owner == ERASED:
            x |= {"trait_town": "nowhere else", "trait_size": chance.gauss(1e6, 10)}
        yield Example(x, label_of(x, chance)), Mark(owner, chance.getrandbits(64))


def tier_of(x, chance):
    return 1 + (x["trait_age"] > 40) + (x["trait_age"] + chance.gauss(0, 3) > 50)


def return_of(x, chance):
    return x["uses"] + chance.gauss(0, 4) > 9


def value_of(x, chance):
    return min(max(5 * x["uses"] + chance.gauss(0, 5), 0.0), 100.0)


CASES = [
    (tier_model, tier_of, 260),
    (lambda: outcome_model("will_return"), return_of, 620),
    (engagement_model, value_of, 420),
]
PROBES = [{"trait_age": 20.0 + n, "uses": float(n % 20), "trait_town": "nowhere else"} for n in range(40)]


@pytest.mark.parametrize(("make", "label_of", "count"), CASES, ids=["tier", "outcome", "score"])
def test_a_model_that_learned_anew_equals_one_that_never_saw_the_user(make, label_of, count):
    examples = list(marked(count, label_of))
    model, never = make(), make()
    model.learn_many([example for example, _ in examples], [mark for _, mark in examples])
    others = [(example, mark) for example, mark in examples if mark.owner != ERASED]
    never.learn_many([example for example, _ in others], [mark for _, mark in others])
    assert model.forget({ERASED}) == len(examples) - len(others)
    assert model.forget({ERASED}) == 0
    fresh = unlearned_model(model.name)
    fresh.relearn(model)
    assert fresh.predict_many(PROBES) == never.predict_many(PROBES)
    assert fresh.scores() == never.scores()
    assert fresh.examples_seen == never.examples_seen
    assert [fresh.contest, fresh.drift.reports] == [never.contest, never.drift.reports]
    for one in (fresh, never):
        one.refresh()
    assert fresh.predict_many(PROBES) == never.predict_many(PROBES)
    later = list(marked(80, label_of, seed=1))
    for one in (fresh, never):
        one.learn_many([example for example, _ in later], [mark for _, mark in later])
    assert fresh.predict_many(PROBES) == never.predict_many(PROBES)


def test_nothing_of_the_user_is_left_at_once_in_the_sample_and_the_windows():
    examples = list(marked(260, return_of))
    model = outcome_model("will_return")
    model.learn_many([example for example, _ in examples], [mark for _, mark in examples])
    assert "trait_town=nowhere else" in model.sample.columns.names
    model.forget({ERASED})
    assert not [name for name in model.sample.columns.names if "town" in name or "size" in name]
    assert all(mark.owner != ERASED for _, _, mark in model.sample.examples())
    assert not [x for x in model.drift.features._recent if "trait_town" in x]
    assert not [x for x in model.clusters._waiting if "trait_town" in x]
    few = outcome_model("will_return")
    few.learn_many([example for example, _ in examples[:12]], [mark for _, mark in examples[:12]])
    few.forget({ERASED})
    assert len(few._waiting) == 11
    few.learn_many([example for example, _ in examples[12:]], [mark for _, mark in examples[12:]])


def test_of_more_than_are_kept_what_is_left_is_what_would_have_been_left():
    examples = list(marked(7_000, return_of))
    samples = []
    for kept in (examples, [(e, mark) for e, mark in examples if mark.owner != ERASED]):
        sample = tier_model().sample
        for example, mark in kept:
            sample.add(example.features, example.label, mark)
        sample.forget({ERASED})
        samples.append(sample.view(sample.seen))
    np.testing.assert_array_equal(samples[0].rows, samples[1].rows)
    assert samples[0].labels == samples[1].labels
    assert len(samples[0].labels) == 5_000


def test_what_came_too_late_to_be_kept_is_not_kept_by_a_model_that_learned_anew():
    chance = random.Random(3)
    model = tier_model()
    for _ in range(11_000):
        model.sample.add({"a": 1.0}, 1, Mark(1 + chance.randrange(2), chance.getrandbits(64)))
    model.sample.forget({1})
    fresh = tier_model()
    fresh.sample.keep_out_as(model.sample)
    fresh.sample.add({"a": 1.0}, 1, Mark(3, (1 << 64) - 1))
    assert len(fresh.sample) == 0


def test_counts_of_items_name_nobody_and_stay():
    model = engagement_model()
    starts = [Start(f"item-{n % 7}", 60.0 * n, n % 3 == 0, 1, False, {"kind": "k"}) for n in range(300)]
    model.learn_starts(starts, 40_000.0, Mark(ERASED, 5))
    model.forget({ERASED})
    assert {mark.owner for _, _, mark in model.sample.examples()} == {NOBODY}
    fresh = unlearned_model(model.name)
    fresh.relearn(model)
    assert [s[:5] for s in fresh.scores_of(["item-1", "item-2"])] == [
        s[:5] for s in model.scores_of(["item-1", "item-2"])
    ]
