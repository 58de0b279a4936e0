import signal
import stat
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from support import dying_trainer
from support.dying_replay import in_a_process
from support.piped_replay import replay

from stream_app.errors import StateError
from stream_app.features.user_row import encode_row
from stream_app.intake.sources.event_files import open_events
from stream_app.learning.ports import Occasion
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.folder_keys import KEY_FILE, folder_keys
from stream_app.runtimes.embedded.learned import RECOMMENDER, LearnedModels
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.schemas.outputs import ClosedSession, SourcePosition, TrainingExample
from stream_app.settings.environment import Settings
from stream_app.settings.rules import Rules
from stream_app.testing import RecordedSource, comparable, random_events

NOW = datetime(2024, 3, 4, tzinfo=UTC)
KEY = b"a key of this test"
TARGETS = ("engagement_tier", "marketing_target")
EXAMPLES = [{"events_24h": float(number), "active_days": 1.0} for number in range(12)]


def example(number: int, label: object, target: str = "engagement_tier") -> TrainingExample:
    source = SourcePosition(topic="t", partition=0, offset=number)
    return TrainingExample(
        id=f"{target}-{number}", user_key="u", as_of=NOW, emitted_at=NOW, source=source, label=label,
        target=target, features={"events_24h": float(number % 7), "active_days": 1.0},
    )  # fmt: skip


def closed(number: int, items: list[str], is_bot: bool = False) -> ClosedSession:
    source = SourcePosition(topic="t", partition=0, offset=number)
    return ClosedSession(
        id=f"session-{number}", user_key="u", as_of=NOW, emitted_at=NOW, source=source, duration=1,
        session_id="s", started_at=NOW, ended_at=NOW, event_count=1, page_views=1, items=items,
        is_bot=is_bot,
    )  # fmt: skip


def lesson(begin: int, end: int) -> list[TrainingExample | ClosedSession]:
    outputs: list[TrainingExample | ClosedSession] = []
    for number in range(begin, end):
        outputs.append(example(number, 1 + number % 3))
        outputs.append(example(number, number % 90 + 0.5, "engagement_score"))
        outputs.append(closed(number, [f"item-{(number + step) % 9}" for step in range(3)]))
    return outputs


def load(store: Store, key: bytes = KEY, metrics: Metrics | None = None) -> LearnedModels:
    rules = Settings().surface_rules
    return LearnedModels(store, key, TARGETS, metrics or Metrics(), NOW.timestamp, rules)


def save(store: Store, learned: LearnedModels) -> None:
    store.write(Checkpoint({}, [], {}, {}, learned.pop_changed_snapshots()))


def answers(learned: LearnedModels, examples: Sequence[dict[str, float | str]] = EXAMPLES) -> object:  # type: ignore[assignment]
    return (
        learned.learners.tiers.predict_tiers(examples),
        learned.learners.content.model.predict_many(examples),
        learned.recommender.recommend(Occasion(["item-1", "item-5"], NOW.timestamp(), "seed", "u"), 10),
        learned.learners.tiers.stamp(),
        learned.recommender.stamp(),
        learned.learners.tiers.model.scores(),
    )


def test_models_stored_at_a_checkpoint_go_on_as_if_they_had_never_been_away(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        through = load(store)
        through.learn(lesson(0, 20))
        save(store, through)
        again = load(store)
        assert answers(again) == answers(through)
        for learned in (through, again):
            learned.learn(lesson(20, 105))
        assert answers(again) == answers(through)
        assert again.learners.tiers.stamp().status == "ready"


def test_sessions_of_bots_teach_nothing(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        learned = load(store)
        learned.learn([closed(0, ["a", "b"], is_bot=True)])
        assert learned.pop_changed_snapshots() == {}
        learned.learn([closed(1, ["a", "b"])])
        assert learned.recommender.stamp().examples_seen == 1


def test_only_what_has_learned_is_stored_again(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        learned = load(store)
        assert learned.pop_changed_snapshots() == {}
        learned.learn([example(0, 2)])
        assert learned.pop_changed_snapshots().keys() == {"engagement_tier"}
        learned.learn([closed(0, ["a"]), example(1, 5.5, "engagement_score")])
        assert learned.pop_changed_snapshots().keys() == {"engagement_score", RECOMMENDER}
        learned.learn([example(2, 9), example(3, 1, "nobody_knows"), example(4, "x")])
        assert learned.pop_changed_snapshots() == {}


def test_examples_are_counted_and_targets_of_the_senders_do_not_grow_the_metrics(tmp_path: Path) -> None:
    metrics = Metrics()
    with Store(tmp_path) as store:
        learned = load(store, metrics=metrics)
    learned.learn([example(0, 2), example(1, "3", "marketing_target"), example(2, 9)])
    learned.learn([example(number, 1, f"target-{number}") for number in range(50)])
    counted = {
        (sample.labels["target"], sample.labels["outcome"]): sample.value
        for family in metrics.examples.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert counted == {
        ("engagement_tier", "learned"): 1,
        ("marketing_target", "learned"): 1,
        ("engagement_tier", "unusable_label"): 1,
        ("unknown", "unknown_target"): 50,
    }


@pytest.mark.parametrize("model", ["engagement_tier", "engagement_score", RECOMMENDER])
@pytest.mark.parametrize("damage", ["emptied", "cut short", "overwritten"])
def test_a_damaged_model_is_refused(tmp_path: Path, model: str, damage: str) -> None:
    with Store(tmp_path) as store:
        learned = load(store)
        learned.learn(lesson(0, 3))
        save(store, learned)
        whole = store.snapshot(model)
        damaged = {"emptied": b"", "cut short": whole[: len(whole) // 2], "overwritten": b"\x81" * len(whole)}
        store.write(Checkpoint({}, [], {}, {}, {model: damaged[damage]}))
        with pytest.raises(StateError, match=f"the stored (model )?{model} cannot be used"):
            load(store)


def test_a_model_that_another_key_signed_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        learned = load(store)
        learned.learn(lesson(0, 1))
        save(store, learned)
        with pytest.raises(StateError, match="signature"):
            load(store, key=b"another key")


def test_a_folder_keeps_its_key_to_its_owner(tmp_path: Path) -> None:
    [key] = folder_keys(tmp_path / "data")
    assert len(key) == 32
    assert folder_keys(tmp_path / "data") == (key,)
    assert folder_keys(tmp_path / "other") != (key,)
    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600


def test_a_key_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).mkdir()
    with pytest.raises(StateError, match="cannot be used as a key"):
        folder_keys(tmp_path)


def contents(folder: Path) -> tuple[object, ...]:
    with Store(folder) as store:
        rows = [(partition, user, encode_row(row)) for partition, user, row in store.rows()]
        learned = load(store, key=folder_keys(folder)[0])
        return rows, comparable(store.outputs()), store.partitions(), answers(learned)


def test_a_piped_replay_killed_midway_and_piped_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    values = [value for value in random_events(Random(5), 500, users=12) if value.strip(b"\x00\n ")]
    values = [value for value in values if b"\n" not in value]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(values))
    [source] = open_events([str(path)])  # a line may hold several events
    values = [value for value, _ in source.records(0)]
    with Store(tmp_path / "whole") as store:
        learned = load(store, key=folder_keys(tmp_path / "whole")[0])
        run = Replay(store, learned, Rules(), Metrics(), time.time, round_records=40, checkpoint_rounds=3)
        run.run(RecordedSource(values, is_live=True), lambda _records, _read: None)
        run.finish()
    assert replay(tmp_path / "killed", path, die_at=450) is None
    with Store(tmp_path / "killed") as store:
        assert 0 < store.source_position("-").records < len(values)
    told = replay(tmp_path / "killed", path)
    assert told is not None
    assert "records of the same stream are skipped" in told
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_trainer_killed_at_random_moments_ends_with_the_models_of_one_that_was_not(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert in_a_process(dying_trainer.learn, whole) == 0
    random = Random(2)
    for _ in range(2):
        assert in_a_process(dying_trainer.learn, killed, random.randrange(350, 1_000)) == -signal.SIGKILL
    assert in_a_process(dying_trainer.learn, killed) == 0
    states = []
    for folder in (whole, killed):
        with Store(folder) as store:
            learned = dying_trainer.learned_of(store)
            assert learned.learners.tiers.model.examples_seen == 120
            assert learned.learners.outcomes["churn"].model.examples_seen > 20
            scores = [scorer.model.scores() for scorer in learned.learners.all]
            stamps = [scorer.stamp() for scorer in learned.learners.all]
            items = learned.learners.content.model.items.all()
            told = comparable(store.outputs("content_score"))
            assert {score["item_id"] for score in told.values()} == set(items)
            states.append((answers(learned), scores, stamps, items, told))
    assert states[0] == states[1]
