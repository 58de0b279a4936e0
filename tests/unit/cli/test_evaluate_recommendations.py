import random
from pathlib import Path

import orjson
import pytest
from support.command_line import CommandLine
from typer.testing import CliRunner

from stream_app.cli import main


def write_clicks(path: Path, first: int, sessions: int) -> Path:
    draw = random.Random(first)
    rows = ["SessionId\tItemId\tTime"]
    for number in range(first, first + sessions):
        topic = draw.choice(["abcd", "efgh"])
        rows += [f"{number}\t{draw.choice(topic)}\t{number * 1_000 + turn}.5" for turn in range(4)]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    train = write_clicks(tmp_path / "train.txt", 1, 60)
    test = write_clicks(tmp_path / "test.txt", 100, 20)
    return ["--train", str(train), "--test", str(test)]


def evaluate(*arguments: str) -> str:
    result = CliRunner().invoke(main.app, ["evaluate", "recommendations", *arguments])
    assert result.exception is None, result.output
    return result.stdout


def test_json_has_the_promised_keys(files: list[str]) -> None:
    report = orjson.loads(evaluate(*files, "-k", "20", "--json"))
    assert report.keys() == {"frozen", "prequential", "query_us", "update_us", "memory_mb", "positions"}
    assert report["positions"] == 20 * 3
    assert report["query_us"].keys() == report["update_us"].keys() == {"p50", "p99"}
    for manner in ("frozen", "prequential"):
        assert report[manner].keys() >= {"blend", "popularity", "item_knn", "first_order_markov"}
        for scores in report[manner].values():
            assert scores.keys() >= {"hr@5", "hr@10", "hr@20", "mrr@5", "mrr@10", "mrr@20"}
    assert report["frozen"]["blend"]["hr@5"] > report["frozen"]["popularity"]["hr@5"]


def test_the_table_shows_both_passes_with_every_source(files: list[str]) -> None:
    told = evaluate(*files)
    frozen, prequential = told.split("Prequential")
    for table in (frozen, prequential):
        for word in ("HR@5", "HR@20", "MRR@5", "MRR@20", "blend", "popularity", "nearest_sessions"):
            assert word in table
    assert "60 positions" in told
    assert "µs" in told


def test_positions_restrict_what_is_asked(files: list[str], tmp_path: Path) -> None:
    positions = tmp_path / "positions.csv"
    positions.write_text("SessionId;Position\n100;1\n101;3\n101;4\nelsewhere;1\n")
    report = orjson.loads(evaluate(*files, "--positions", str(positions), "-k", "3", "--json"))
    assert report["positions"] == 2
    assert "hr@3" in report["frozen"]["blend"]
    assert "hr@5" not in report["frozen"]["blend"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"SessionId\tItemId\n1\ta\n", "line 1: write the header SessionId<tab>ItemId<tab>Time"),
        (b"SessionId\tItemId\tTime\n1\ta\tnoon\n", "line 2: 'noon' is no time"),
        (b"SessionId\tItemId\tTime\n1\ta\t1\n", "no position to score"),
        (b"SessionId\tItemId\tTime\n1\t\xff\t1\n", "is no text in UTF-8"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_bad_file_is_one_sentence(
    files: list[str],
    tmp_path: Path,
    content: bytes | None,
    sentence: str,
    command_line: CommandLine,
) -> None:
    bad = tmp_path / "bad.txt"
    if content is not None:
        bad.write_bytes(content)
    command_line.run("evaluate", "recommendations", *files[:2], "--test", bad).assert_refused(sentence)


@pytest.mark.parametrize("count", ["0", "-3"])
def test_a_senseless_count_is_one_sentence(files: list[str], count: str, command_line: CommandLine) -> None:
    ended = command_line.run("evaluate", "recommendations", *files, "-k", count)
    ended.assert_refused("write a whole number from 1")
