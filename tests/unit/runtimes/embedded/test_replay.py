import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stream_app.core.rules import Rules
from stream_app.core.user_row import encode_row
from stream_app.errors import StateError
from stream_app.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.testing import START, FixedModels, RecordedSource, comparable, page, random_events

RULES = Rules()
WALL_CLOCK = START + 3_000 * 86_400.0
VALUES = random_events(Random(7), 1_000, users=30)
processes = multiprocessing.get_context("fork")


def open_replay(store: Store, **options: Any) -> Replay:
    chosen = {"round_records": 40, "checkpoint_rounds": 3, "clock": lambda: WALL_CLOCK} | options
    return Replay(store, chosen.pop("models", FixedModels()), RULES, Metrics(), **chosen)


def run(folder: Path, source: RecordedSource, **options: Any) -> int:
    with Store(folder) as store:
        replay = open_replay(store, **options)
        records = replay.run(source, lambda _records, _read: None)
        replay.close_idle()
        return records


def contents(folder: Path) -> tuple[object, ...]:
    with Store(folder, read_only=True) as store:
        outputs = list(store.outputs())
        found = comparable(outputs)
        assert len(found) == len(outputs)
        rows = [(partition, user, encode_row(row)) for partition, user, row in store.rows()]
        return rows, found, store.partitions(), store.source_position("recorded")


def in_a_process(work: Callable[..., object], *arguments: object) -> int | None:
    process = processes.Process(target=work, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def die_after(statements: int, folder: Path, options: dict[str, Any]) -> None:
    """Replay until the given statement of SQL, inside a transaction or between two, and be killed there."""
    left = statements

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    with Store(folder) as store:
        store._connection.set_trace_callback(count)
        replay = open_replay(store, **options)
        replay.run(RecordedSource(VALUES), lambda _records, _read: None)
        replay.close_idle()


@pytest.mark.parametrize("partitions", [1, 3])
def test_killed_at_random_moments_it_ends_as_if_nothing_had_happened(tmp_path: Path, partitions: int) -> None:
    options = {"partitions": partitions, "hot_rows": 5}
    run(tmp_path / "whole", RecordedSource(VALUES), **options)
    random, kills = Random(partitions), 0
    while in_a_process(die_after, random.randrange(20, 700), tmp_path / "killed", options) != 0:
        kills += 1
        assert kills < 100
    assert kills >= 5
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_rounds_checkpoints_and_rows_in_memory_do_not_matter_to_fixed_models(tmp_path: Path) -> None:
    run(tmp_path / "a", RecordedSource(VALUES), round_records=7, checkpoint_rounds=1, hot_rows=1)
    run(tmp_path / "b", RecordedSource(VALUES), round_records=5_000)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_same_source_again_brings_nothing_and_a_grown_one_what_is_new(tmp_path: Path) -> None:
    assert run(tmp_path / "parts", RecordedSource(VALUES[:400])) == 400
    before = contents(tmp_path / "parts")
    assert run(tmp_path / "parts", RecordedSource(VALUES[:400])) == 0
    assert contents(tmp_path / "parts") == before
    assert run(tmp_path / "parts", RecordedSource(VALUES)) == len(VALUES) - 400


def test_a_live_stream_begins_anew_once_it_has_ended(tmp_path: Path) -> None:
    stream = RecordedSource([page("u", 0)] * 5, name="-", is_live=True)
    assert run(tmp_path, stream) == 5
    assert run(tmp_path, stream) == 5


def test_a_live_stream_that_was_cut_short_goes_on_where_it_was(tmp_path: Path) -> None:
    def cut_short() -> None:
        with Store(tmp_path) as store:
            stream = RecordedSource(VALUES[:400], name="-", is_live=True)
            open_replay(store).run(stream, lambda _records, _read: None)
            os.kill(os.getpid(), signal.SIGKILL)

    in_a_process(cut_short)
    with Store(tmp_path, read_only=True) as store:
        assert store.source_position("-").records == 400
    assert run(tmp_path, RecordedSource(VALUES, name="-", is_live=True)) == len(VALUES) - 400
    with Store(tmp_path, read_only=True) as store:
        assert store.source_position("-") == (0, None)


def test_times_are_judged_by_when_the_reading_began(tmp_path: Path) -> None:
    def outcomes(values: list[bytes], now: float, is_live: bool = False) -> dict[str, int]:
        metrics = Metrics()
        with Store(tmp_path) as store:
            replay = Replay(store, FixedModels(), RULES, metrics, lambda: START + now)
            replay.run(RecordedSource(values, "-" if is_live else "file", is_live), lambda *_: None)
            replay.close_idle()
        return metrics.failure_counts()

    early = [page("u", 0), page("u", 3_000)]
    assert outcomes(early, now=0) == {"time_out_of_range": 1}
    grown = [*early, page("u", 86_400)]
    assert outcomes(grown, now=86_400) == {}
    assert outcomes([page("u", 200_000)], now=200_000, is_live=True) == {}
    assert outcomes([page("u", 300_000)], now=300_000, is_live=True) == {}


def test_a_replay_that_goes_on_judges_times_as_the_first_did(tmp_path: Path) -> None:
    """The clock has gone a day on; what was too far ahead when the file was begun still is."""
    values = [page("u", at) for at in range(100)] + [page("u", 3_600)]

    def cut_short() -> None:
        with Store(tmp_path) as store:
            replay = Replay(store, FixedModels(), RULES, Metrics(), lambda: START, 1, 100, 10, 1)

            def die(records: int, _read: int) -> None:
                if records == 50:
                    os.kill(os.getpid(), signal.SIGKILL)

            replay.run(RecordedSource(values), die)

    in_a_process(cut_short)
    with Store(tmp_path) as store:
        assert 0 < store.source_position("recorded").records < 100
        metrics = Metrics()
        replay = Replay(store, FixedModels(), RULES, metrics, lambda: START + 86_400)
        replay.run(RecordedSource(values), lambda *_: None)
        assert metrics.failure_counts() == {"time_out_of_range": 1}


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    run(tmp_path / "whole", RecordedSource(VALUES))
    with Store(tmp_path / "full") as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 80}")
        with pytest.raises(StateError, match="disk is full"):
            open_replay(store).run(RecordedSource(VALUES), lambda _records, _read: None)
        assert 0 < store.source_position("recorded").records < len(VALUES)
    run(tmp_path / "full", RecordedSource(VALUES))
    assert contents(tmp_path / "full") == contents(tmp_path / "whole")


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_folder_keeps_its_number_of_partitions(tmp_path: Path, partitions: int) -> None:
    run(tmp_path, RecordedSource(VALUES[:100]), partitions=2)
    with pytest.raises(StateError, match="--partitions 2"):
        run(tmp_path, RecordedSource(VALUES), partitions=partitions)


def test_users_are_spread_over_partitions_and_none_is_in_two(tmp_path: Path) -> None:
    run(tmp_path, RecordedSource(VALUES), partitions=3)
    with Store(tmp_path, read_only=True) as store:
        places = [(partition, user) for partition, user, _ in store.rows()]
    assert {partition for partition, _ in places} == {0, 1, 2}
    assert len({user for _, user in places}) == len(places)


def test_models_learn_after_their_round_and_in_order(tmp_path: Path) -> None:
    models = FixedModels()
    run(tmp_path, RecordedSource(VALUES), models=models)
    with Store(tmp_path, read_only=True) as store:
        stored = list(store.outputs("training_example"))
    assert [example.model_dump_json().encode() for example in models.examples] == stored
    assert len(stored) > 20


def test_what_was_counted_is_what_is_held(tmp_path: Path) -> None:
    metrics = Metrics()
    with Store(tmp_path) as store:
        replay = Replay(store, FixedModels(), RULES, metrics, lambda: WALL_CLOCK)
        replay.run(RecordedSource(VALUES), lambda _records, _read: None)
        replay.close_idle()
        assert sum(metrics.event_outcomes().values()) == len(VALUES)
        failed = store.output_counts()["failed_event"]
        assert metrics.event_outcomes()["failed"] == sum(metrics.failure_counts().values()) == failed
        labels = {"partition": "0"}
        assert metrics.registry.get_sample_value("stream_app_users", labels) == store.user_count()
        for schema, count in store.output_counts().items():
            counted = metrics.registry.get_sample_value("stream_app_outputs_total", {"schema": schema})
            assert counted == count
