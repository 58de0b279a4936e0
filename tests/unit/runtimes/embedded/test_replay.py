from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.dying_replay import (
    RULES,
    VALUES,
    WALL_CLOCK,
    in_a_process,
    open_replay,
    replay_a_stream_and_die,
    replay_and_die,
    replay_by_an_early_clock_and_die,
)

from stream_app.errors import StateError
from stream_app.features.user_row import encode_row
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.testing import START, FixedModels, RecordedSource, comparable, page


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


@pytest.mark.parametrize("partitions", [1, 3])
def test_killed_at_random_moments_it_ends_as_if_nothing_had_happened(tmp_path: Path, partitions: int) -> None:
    options = {"partitions": partitions, "hot_rows": 5}
    run(tmp_path / "whole", RecordedSource(VALUES), **options)
    random, kills = Random(partitions), 0
    while in_a_process(replay_and_die, tmp_path / "killed", options, random.randrange(20, 700)) != 0:
        kills += 1
        assert kills < 100
    assert kills >= 5
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """What a replay holds that nothing happens to."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, RecordedSource(VALUES))
    return contents(folder)


@pytest.mark.parametrize("moment", ["before put", "after put", "before flush", "after flush"])
def test_killed_between_the_commit_and_the_rows_it_loses_none(
    tmp_path: Path, moment: str, whole: tuple[object, ...]
) -> None:
    assert in_a_process(replay_and_die, tmp_path, {}, 3, [moment], 1) == -9
    with Store(tmp_path, read_only=True) as reader:
        seen = list(reader.rows())
        assert 0 < reader.source_position("recorded").records < len(VALUES)
    with Store(tmp_path) as store:
        assert list(store.rows()) == seen
    run(tmp_path, RecordedSource(VALUES))
    assert contents(tmp_path) == whole


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
    assert in_a_process(replay_a_stream_and_die, tmp_path, 400) == -9
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

    assert in_a_process(replay_by_an_early_clock_and_die, tmp_path, values, 50) == -9
    with Store(tmp_path) as store:
        assert 0 < store.source_position("recorded").records < 100
        metrics = Metrics()
        replay = Replay(store, FixedModels(), RULES, metrics, lambda: START + 86_400)
        replay.run(RecordedSource(values), lambda *_: None)
        assert metrics.failure_counts() == {"time_out_of_range": 1}


def test_a_full_disk_loses_nothing(tmp_path: Path, whole: tuple[object, ...]) -> None:
    with Store(tmp_path) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 80}")
        with pytest.raises(StateError, match="disk is full"):
            open_replay(store).run(RecordedSource(VALUES), lambda _records, _read: None)
        assert 0 < store.source_position("recorded").records < len(VALUES)
    run(tmp_path, RecordedSource(VALUES))
    assert contents(tmp_path) == whole


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
        assert metrics.registry.get_sample_value("stream_app_users", labels) == len(list(store.rows()))
        for schema, count in store.output_counts().items():
            counted = metrics.registry.get_sample_value("stream_app_outputs_total", {"schema": schema})
            assert counted == count
