from collections.abc import Collection, Mapping, Sequence

from stream_app.learning.marking import Marker
from stream_app.learning.trainer import ExampleOutcome, RecentIds, Trainer, by_label
from stream_app.models.online.sample import Mark
from stream_app.schemas.outputs import SourcePosition, TrainingExample


class Notebook:
    """A learner that writes down what it is taught; the label 0 is none that it knows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.learned: list[object] = []

    def learn_many(
        self,
        examples: Sequence[tuple[Mapping[str, float | str], object]],
        marks: Sequence[Mark] | None = None,
    ) -> list[bool]:
        self.marks = list(marks or ())
        self.learned += [label for _, label in examples if label != 0]
        return [label != 0 for _, label in examples]

    def forget(self, owners: Collection[int]) -> int:
        self.forgotten = set(owners)
        return len(owners)


def example(identifier: str, label: object, target: str = "tier") -> TrainingExample:
    return TrainingExample.model_validate(
        {
            "id": identifier, "user_key": "u", "as_of": "2024-03-04T08:00:00Z", "label": label,
            "emitted_at": "2024-03-04T08:00:00Z", "features": {}, "target": target,
            "source": SourcePosition(topic="t", partition=0, offset=0),
        }
    )  # fmt: skip


def learn(trainer: Trainer, taken: TrainingExample, offset: int) -> ExampleOutcome:
    [outcome] = trainer.learn([(offset, taken)])
    return outcome


def test_examples_are_learned_once_and_in_order() -> None:
    tiers = Notebook("tiers")
    trainer = Trainer({"tier": tiers})
    assert learn(trainer, example("a", 1), 0) is ExampleOutcome.LEARNED
    assert learn(trainer, example("b", 2), 1) is ExampleOutcome.LEARNED
    assert learn(trainer, example("a", 1), 2) is ExampleOutcome.REPEATED
    assert tiers.learned == [1, 2]
    assert trainer.offset == 2


def test_what_a_snapshot_contains_is_not_learned_again() -> None:
    tiers, scores = Notebook("tiers"), Notebook("scores")
    trainer = Trainer({"tier": tiers, "score": scores}, {"tiers": 5, "scores": 3})
    assert trainer.offset == 5
    outcomes = [learn(trainer, example(f"tier-{at}", at), at) for at in (4, 5, 6)]
    assert outcomes == [ExampleOutcome.REPEATED, ExampleOutcome.REPEATED, ExampleOutcome.LEARNED]
    assert learn(trainer, example("score-4", 4, "score"), 4) is ExampleOutcome.LEARNED
    assert (tiers.learned, scores.learned) == ([6], [4])
    assert trainer.offset == 6


def test_a_repeat_of_what_was_learned_before_the_start_is_known_again() -> None:
    tiers = Notebook("tiers")
    trainer = Trainer({"tier": tiers}, {"tiers": 5})
    trainer.remember(example("a", 1), 5)
    assert learn(trainer, example("a", 1), 6) is ExampleOutcome.REPEATED
    assert tiers.learned == []


def test_unknown_targets_and_labels_are_told_apart() -> None:
    trainer = Trainer({"tier": Notebook("tiers")})
    assert learn(trainer, example("a", 1, "other"), 0) is ExampleOutcome.UNKNOWN_TARGET
    assert learn(trainer, example("b", 0), 1) is ExampleOutcome.UNUSABLE_LABEL
    assert trainer.offset == 1


def test_every_label_of_an_example_is_learned_once_by_its_own_learner() -> None:
    returns, churn = Notebook("returns"), Notebook("churn")
    trainer = Trainer({"returns": returns, "churn": churn})
    both = example("a", 1, "returns").model_copy(update={"other_labels": {"churn": 2}})
    for offset in (0, 1):
        trainer.learn([(offset, single) for single in by_label(both)])
    assert (returns.learned, churn.learned) == ([1], [2])
    assert [(single.target, single.label, single.other_labels) for single in by_label(both)] == [
        ("returns", 1, {"churn": 2}),
        ("churn", 2, {}),
    ]


def test_recent_ids_are_bounded_and_the_oldest_forgotten() -> None:
    recent = RecentIds(limit=3)
    assert [recent.add(name) for name in "abcd"] == [True] * 4
    assert not recent.add("b")
    assert recent.add("a")


def test_a_batch_is_shared_out_to_its_learners_in_order() -> None:
    tiers, scores = Notebook("tiers"), Notebook("scores")
    trainer = Trainer({"tier": tiers, "score": scores})
    batch = [example("a", 3), example("b", 7, "score"), example("a", 3), example("c", 0), example("d", 1)]
    assert trainer.learn(list(enumerate(batch))) == [
        ExampleOutcome.LEARNED,
        ExampleOutcome.LEARNED,
        ExampleOutcome.REPEATED,
        ExampleOutcome.UNUSABLE_LABEL,
        ExampleOutcome.LEARNED,
    ]
    assert (tiers.learned, scores.learned) == ([3, 1], [7])


def test_a_model_that_a_crash_left_behind_still_learns_what_the_other_already_knows() -> None:
    tiers, scores = Notebook("tiers"), Notebook("scores")
    trainer = Trainer({"tier": tiers, "score": scores}, {"tiers": 5, "scores": 3})
    for offset, target in ((3, "score"), (4, "score"), (5, "tier")):
        trainer.remember(example(f"{target}-{offset}", offset, target), offset)
    outcomes = [learn(trainer, example(f"score-{at}", at, "score"), at) for at in (3, 4)]
    assert outcomes == [ExampleOutcome.REPEATED, ExampleOutcome.LEARNED]
    assert learn(trainer, example("tier-5", 5), 5) is ExampleOutcome.REPEATED
    assert (tiers.learned, scores.learned) == ([], [4])


def test_examples_bear_marks_and_a_learner_is_told_once_whom_to_forget():
    notebook = Notebook("tiers")
    trainer = Trainer({"tier": notebook, "other": notebook}, marker=Marker(b"key"))
    trainer.learn([(0, example("a", 1)), (1, example("b", 2))])
    assert [mark.owner for mark in notebook.marks] == [Marker(b"key").owner("u")] * 2
    assert notebook.marks[0].priority != notebook.marks[1].priority
    assert notebook.marks != [Marker(b"another").mark("u", name) for name in "ab"]
    assert trainer.forget(["u", "v"]) == {"tiers": 2}
    assert notebook.forgotten == {Marker(b"key").owner(user) for user in "uv"}
