from pathlib import Path

import orjson
import pytest
from support.command_line import CommandLine
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.cli.evaluate_oracle import CONTESTANTS, Simulated, compare_with_oracle
from stream_app.simulation.browsing import BrowsedSession
from stream_app.simulation.oracle import ClickOracle
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import write_simulation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulation")
    write_simulation(SimulationSettings(users=150, days=7, items=60, seed=3), folder)
    return folder


def evaluate(folder: Path, *arguments: object) -> str:
    command = ["evaluate", "oracle", "--simulation", str(folder), *map(str, arguments)]
    result = CliRunner().invoke(main.app, command, env={"COLUMNS": "200"})
    assert result.exception is None, result.output
    return result.stdout


def test_rates_are_ordered_by_what_is_known(folder: Path) -> None:
    report = orjson.loads(evaluate(folder, "--judged-days", 2, "--json"))
    assert report.keys() == {"first", "next", "all"}
    for rates in report.values():
        assert 0 < rates["popularity"] <= rates["oracle"] <= 1
        assert rates["surface"] < rates["oracle"]
        for contestant in CONTESTANTS[1:]:
            share = rates[contestant] / rates["oracle"]
            assert rates[f"{contestant}_of_oracle"] == pytest.approx(share)
    assert report["next"]["surface"] > report["next"]["popularity"]
    assert report["all"]["positions"] == report["first"]["positions"] + report["next"]["positions"]


def test_rates_are_the_odds_of_the_simulation() -> None:
    settings = SimulationSettings(users=5, days=2, items=24)
    day = 86_400
    start = settings.start.timestamp()
    learned = BrowsedSession("u0000001", ["p00001", "p00002"], [start, start + 9], None, None)
    judged = BrowsedSession("u0000002", ["p00001"], [start + day], None, None)
    stranger = BrowsedSession("cookie", ["p00003"], [start + day], None, None)
    report = compare_with_oracle(Simulated(settings, [], [learned, judged, stranger]), 1, 2)
    oracle = ClickOracle(settings)
    at = settings.start.replace(day=settings.start.day + 1)
    odds = oracle.click_probabilities("u0000002", None, at)
    assert report["all"]["positions"] == 1
    assert report["first"]["oracle"] == pytest.approx(sum(sorted(odds)[-2:]))
    assert report["first"]["popularity"] == pytest.approx(odds[1] + odds[2])


def test_the_table_shows_shares_of_the_oracle(folder: Path) -> None:
    told = evaluate(folder, "-k", 3)
    for word in ("oracle", "surface", "blend", "popularity", "first", "next", "%", "clicks of known users"):
        assert word in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-k", "0"], "write a whole number from 1"),
        (["--judged-days", "7"], "write a whole number from 1 to 6"),
        (["--simulation", "nowhere"], "nowhere/truth.jsonl cannot be read"),
    ],
)
def test_errors_are_one_line_and_exit_code_two(
    arguments: list[str],
    sentence: str,
    folder: Path,
    command_line: CommandLine,
) -> None:
    simulation = [] if "--simulation" in arguments else ["--simulation", str(folder)]
    command_line.run("evaluate", "oracle", *arguments, *simulation).assert_refused(sentence)
