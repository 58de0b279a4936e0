from pathlib import Path

import orjson
import pytest
from support.marketing_tables import course_tables, marketing_tables
from typer.testing import CliRunner, Result

from stream_app.cli import main
from stream_app.errors import InputError, SettingsError


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main.app, ["evaluate", *map(str, arguments)])


def test_tiers_are_judged_beside_their_baselines(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 260)
    result = call(
        "tiers", "--users", users, "--sessions", sessions, "--folds", 2, "--repeats", 1, "--seed", 5, "--json"
    )
    assert result.exception is None, result.output
    report = orjson.loads(result.stdout)
    assert (report["examples"], report["folds"], report["repeats"], report["seed"]) == (260, 2, 1, 5)
    assert report["holdout"]["macro_f1"]["mean"] > 0.9
    assert report["holdout"]["weighted_f1"]["mean"] > 0.9
    assert 0 <= report["holdout"]["macro_f1"]["std"] < 0.1
    assert report["baselines"]["batch_forest"]["macro_f1"]["mean"] > 0.9
    assert report["baselines"]["majority"]["macro_f1"] < 0.3
    assert 0.3 < report["prequential"]["macro_f1"] < report["holdout"]["macro_f1"]["mean"]


def test_tiers_have_a_table_for_people(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 60)
    result = call("tiers", "--users", users, "--sessions", sessions, "--folds", 2, "--repeats", 1)
    assert result.exit_code == 0
    assert "Tiers of 60 users, 1 x 2 folds" in result.stdout
    for row in ("held out", "batch forest", "majority", "prequential"):
        assert row in result.stdout


@pytest.mark.parametrize("with_test_files", [True, False])
def test_engagement_is_judged_on_test_files_or_on_folds(tmp_path: Path, with_test_files: bool) -> None:
    (features, target), (test_features, test_target) = (
        course_tables(tmp_path, count, seed) for count, seed in ((500, 1), (80, 2))
    )
    tests = ["--test-features", test_features, "--test-target", test_target] if with_test_files else []
    result = call("engagement", "--features", features, "--target", target, *tests, "--json")
    assert result.exception is None, result.output
    report = orjson.loads(result.stdout)
    assert (report["examples"], report["folds"]) == (500, 1 if with_test_files else 5)
    assert report["r2"] > 0.9
    assert report["mae"] < 8
    assert report["baselines"]["batch_forest"]["r2"] > 0.9
    assert report["examples_per_second"] > 0
    assert 50 < report["peak_memory_mb"] < 2_000


def test_engagement_has_a_table_for_people(tmp_path: Path) -> None:
    features, target = course_tables(tmp_path, 40)
    result = call("engagement", "--features", features, "--target", target, "--folds", 2)
    assert result.exit_code == 0
    for text in ("40 courses", "held out", "batch forest", "mean", "prequential", "examples/s", "MB"):
        assert text in result.stdout


@pytest.mark.parametrize(
    ("option", "value", "kind", "sentence"),
    [
        ("--folds", "1", SettingsError, "--folds: write a whole number from 2, not 1"),
        ("--repeats", "0", SettingsError, "--repeats: write a whole number from 1, not 0"),
        ("--seed", "-1", SettingsError, "--seed: write a whole number from 0, not -1"),
        ("--folds", "30", InputError, "of tier 3: 30 folds need two tiers or more, of 30 users each"),
        ("--users", "nowhere.csv", InputError, "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_judged_as_tiers(
    tmp_path: Path, option: str, value: str, kind: type[Exception], sentence: str
) -> None:
    users, sessions = marketing_tables(tmp_path, 40)
    result = call("tiers", "--users", users, "--sessions", sessions, option, value)
    assert isinstance(result.exception, kind)
    assert sentence in str(result.exception)


def test_a_table_without_tiers_cannot_be_judged(tmp_path: Path) -> None:
    users, sessions = marketing_tables(tmp_path, 10, last_column="test_id")
    result = call("tiers", "--users", users, "--sessions", sessions)
    assert isinstance(result.exception, InputError)
    assert "has no tiers" in str(result.exception)


def test_one_test_file_alone_is_no_test(tmp_path: Path) -> None:
    features, target = course_tables(tmp_path, 40)
    result = call("engagement", "--features", features, "--target", target, "--test-target", target)
    assert isinstance(result.exception, SettingsError)
    assert "--test-features and --test-target" in str(result.exception)


def test_too_few_courses_cannot_be_judged(tmp_path: Path) -> None:
    features, target = course_tables(tmp_path, 9)
    result = call("engagement", "--features", features, "--target", target)
    assert isinstance(result.exception, InputError)
    assert "has 9 courses: it takes 10 or more" in str(result.exception)
