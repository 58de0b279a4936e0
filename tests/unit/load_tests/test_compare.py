"""Two builds in turn: what is made of the rounds' values, and a short form of the whole."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import typer
from baseline.files import FOLDER, read_entry, read_lines

from load_tests import compare
from load_tests.build import HERE, ROOT, Build, BuildError
from load_tests.compare import Extent, Figure, Part
from load_tests.drivers import names

SHORT = 120
CLOSED = b'"schema_name":"closed_session"'


def test_the_ratio_is_the_median_of_the_rounds_and_not_that_of_the_medians() -> None:
    figure = Figure("µs CPU", this=[10.0, 40.0, 11.0], other=[20.0, 50.0, 10.0])
    summary = figure.summary()
    assert (summary["this_median"], summary["other_median"]) == (11.0, 20.0)
    assert summary["ratio"] == 0.8


def test_parts_are_named_by_commas() -> None:
    assert compare.parse_parts("list, step") == [Part.LIST, Part.STEP]
    with pytest.raises(typer.BadParameter, match="there are: reduced, full, list"):
        compare.parse_parts("lists")


def test_a_short_form_is_never_more_than_the_long_one() -> None:
    for events in (1, 300, 10_000_000):
        assert all(
            0 < short <= full
            for short, full in zip(
                vars(Extent().at_most(events)).values(), vars(Extent()).values(), strict=True
            )
        )
    assert Extent().at_most(10_000_000) == Extent()


def test_a_folder_without_an_environment_is_no_build(tmp_path: Path) -> None:
    assert Build.at(ROOT) is HERE
    with pytest.raises(BuildError, match="make install"):
        Build.at(tmp_path)


@pytest.mark.parametrize("part", names.PLACES)
def test_every_part_that_drivers_use_is_where_this_layout_has_it(part: str) -> None:
    assert names.find(part) is not None


def test_a_part_that_has_moved_away_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(names.PLACES, "Gone", (("stream_app",), ("nowhere.at_all", "settings")))
    with pytest.raises(names.PartMissingError, match="Gone"):
        names.find("Gone")


def test_what_a_module_lacks_is_no_other_layout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "needs_another.py").write_text("import a_package_that_nobody_has")
    (tmp_path / "holder").mkdir()
    (tmp_path / "holder" / "needs.py").write_text("import a_package_that_nobody_has")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(names.PLACES, "Part", (("holder",), ("needs",)))
    with pytest.raises(ModuleNotFoundError, match="a_package_that_nobody_has"):
        names.find("Part")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder with events and closed sessions."""
    closed = [line for line in read_lines(FOLDER / "stream-outputs.jsonl.gz") if CLOSED in line]
    entries = map(read_entry, read_lines(FOLDER / "later.jsonl.gz"))
    events = [entry for entry in entries if isinstance(entry, bytes)]
    (tmp_path / "sessions").write_bytes(b"\n".join(closed))
    (tmp_path / "events").write_bytes(b"\n".join(events))
    return tmp_path


@pytest.mark.parametrize(
    ("driver", "file"), [("lists", "sessions"), ("sessions", "sessions"), ("steps", "events")]
)
def test_a_driver_prints_microseconds(driver: str, file: str, recorded: Path) -> None:
    printed = HERE.output_of(HERE.driver(driver, str(recorded / file), str(SHORT)))
    assert 0 < float(printed) < 1e6


def test_a_short_form_measures_both_builds(tmp_path: Path) -> None:
    told = tmp_path / "figures.json"
    command = [sys.executable, "-m", "load_tests.compare", "--other", str(ROOT), "--rounds", "1"]
    command += ["--only", "step", "--events", str(SHORT), "--json", str(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [(name, figure)] = orjson.loads(told.read_bytes())["figures"].items()
    assert name == "step"
    assert name in done.stdout
    assert [len(figure[build]) for build in ("this", "other")] == [1, 1]
    assert figure["ratio"] == figure["this"][0] / figure["other"][0] > 0


def test_a_build_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "load_tests.compare", "--other", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Cannot compare" in done.stderr
    assert "Traceback" not in done.stderr
