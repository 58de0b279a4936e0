from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate, write_simulation

SMALL = SimulationSettings(users=60, days=3, seed=21, items=50)
FILES = ("events.jsonl", "catalogue.jsonl", "truth.jsonl")


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    write_simulation(SMALL, tmp_path / "once")
    write_simulation(SMALL, tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_another_seed_writes_other_events(tmp_path: Path) -> None:
    write_simulation(SMALL, tmp_path / "once")
    write_simulation(replace(SMALL, seed=22), tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "once" / name).read_bytes() != (tmp_path / "again" / name).read_bytes()


def test_the_iterator_gives_the_events_of_the_file(tmp_path: Path) -> None:
    summary = write_simulation(SMALL, tmp_path)
    lines = summary.events_path.read_bytes().splitlines()
    assert [orjson.dumps(event) for event in simulate(SMALL)] == lines
    assert summary.events == len(lines)


def test_progress_ends_with_the_number_of_events(tmp_path: Path) -> None:
    told: list[int] = []
    summary = write_simulation(replace(SMALL, users=300), tmp_path, told.append)
    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == summary.events


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(FileExistsError):
        write_simulation(SMALL, tmp_path / "taken")
