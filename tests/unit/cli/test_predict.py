import csv
import re
from pathlib import Path

import orjson
import pytest
from support.marketing_tables import marketing_tables
from typer.testing import CliRunner, Result

from stream_app.cli import main
from stream_app.errors import InputError


def predict(known: tuple[Path, Path], unknown: tuple[Path, Path], out: Path) -> Result:
    options = ("--train-users", "--train-sessions", "--users", "--sessions", "--out")
    arguments = [str(part) for pair in zip(options, (*known, *unknown, out), strict=True) for part in pair]
    return CliRunner().invoke(main.app, ["predict", *arguments])


def truth_of(path: Path) -> list[int]:
    """The rule of the made-up tables, read off the sessions' durations and the users' ages."""
    users, sessions = marketing_tables(path, 60, seed=2)
    longest: dict[str, int] = {}
    with sessions.open(newline="") as text:
        for row in csv.DictReader(text):
            longest[row["user_id"]] = max(longest.get(row["user_id"], 0), int(row["session_duration"]))
    with users.open(newline="") as text:
        return [
            3 if longest[row["user_id"]] >= 200 else 2 if int(row["age"]) > 40 else 1
            for row in csv.DictReader(text, delimiter=";")
        ]


def test_every_test_id_gets_the_tier_that_follows_from_its_features(tmp_path: Path) -> None:
    known = marketing_tables(tmp_path, 200, seed=1)
    truth = truth_of(tmp_path)
    unknown = marketing_tables(tmp_path, 60, seed=2, last_column="test_id")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert predict(known, unknown, first).exit_code == 0
    assert "60 tiers in" in predict(known, unknown, second).stdout
    assert first.read_bytes() == second.read_bytes()
    predictions = orjson.loads(first.read_bytes())
    assert predictions.keys() == {"target"}
    tiers = predictions["target"]
    assert list(tiers) == [str(number) for number in range(60)]
    assert sum(tiers[str(number)] == tier for number, tier in enumerate(truth)) >= 56


def test_users_without_sessions_are_answered_too(tmp_path: Path) -> None:
    known = marketing_tables(tmp_path, 30, seed=1)
    unknown = marketing_tables(tmp_path, 8, seed=2, last_column="test_id", without_sessions=8)
    assert predict(known, unknown, tmp_path / "out.json").exit_code == 0
    tiers = orjson.loads((tmp_path / "out.json").read_bytes())["target"]
    assert tiers.keys() == {str(number) for number in range(8)}
    assert set(tiers.values()) <= {1, 2, 3}


def test_a_test_id_that_is_given_twice_is_told(tmp_path: Path) -> None:
    known = marketing_tables(tmp_path, 5, seed=1)
    users, sessions = marketing_tables(tmp_path, 5, seed=2, last_column="test_id")
    users.write_text(re.sub(r";4$", ";3", users.read_text(), flags=re.MULTILINE))
    result = predict(known, (users, sessions), tmp_path / "out.json")
    assert isinstance(result.exception, InputError)
    assert "the test_id 3 is given twice" in str(result.exception)


@pytest.mark.parametrize(
    ("known_column", "unknown_column", "out", "sentence"),
    [
        ("marketing_target", "marketing_target", "out.json", "the header lacks test_id"),
        ("test_id", "test_id", "out.json", "has no tiers to learn from"),
        ("marketing_target", "test_id", "no/such/folder.json", "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_predicted(
    tmp_path: Path, known_column: str, unknown_column: str, out: str, sentence: str
) -> None:
    known = marketing_tables(tmp_path, 5, seed=1, last_column=known_column)
    unknown = marketing_tables(tmp_path, 5, seed=2, last_column=unknown_column)
    result = predict(known, unknown, tmp_path / out)
    assert isinstance(result.exception, InputError)
    assert sentence in str(result.exception)
