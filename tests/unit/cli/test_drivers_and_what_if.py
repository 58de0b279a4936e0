"""The commands that ask a data folder what goes with what, on a folder of two kinds of users."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.errors import StateError, StreamAppError
from stream_app.runtimes.embedded.store import Store
from stream_app.testing import event, label, page, session

DAY = 86_400.0
USERS = 130
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"


def events() -> list[bytes]:
    """Every second user is keen: on Firefox, in long sessions, seen again the next day, and of tier 3."""
    values: list[tuple[float, bytes]] = []
    for number in range(USERS):
        user, keen, at = f"user-{number}", number % 2 == 0, number * 600.0
        client = {"context": {"userAgent": FIREFOX if keen else CHROME}}
        traits = {"age": 20 + number % 40, "plan": "pro" if number % 3 else "free"}
        values.append((at, event("identify", user, at, anonymousId=f"v{number}", traits=traits, **client)))
        values.append((at + 1, page(user, at + 1, "guide" if keen else "home", **client)))
        values.append((at + 2, session(user, at + 2, 600.0 if keen else 30.0 + number % 7, 3)))
        values.append((at + 3, label(user, at + 3, 3 if keen else 1)))
        if keen:
            values.append((at + DAY, page(user, at + DAY, "home", **client)))
    values.append((9 * DAY, page("late", 9 * DAY, "home")))
    for number in range(210):
        at = 9 * DAY + number
        properties = {
            "target": "engagement_score",
            "value": 10.0 * (number % 10),
            "features": {"lessons": float(number % 10), "teacher": "ab"[number % 2]},
        }
        values.append((at, event("label", f"course-{number}", at, properties=properties)))
    return [value for _, value in sorted(values, key=lambda pair: pair[0])]


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main.app, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drivers")
    (folder / "events.jsonl").write_bytes(b"\n".join(events()))
    result = run("replay", folder / "events.jsonl", "--data-dir", folder / "data", "--json")
    assert result.exception is None, result.output
    return folder / "data"


def ask(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exception is None, result.output
    return orjson.loads(result.stdout)


def test_drivers_are_rates_with_counts_by_dimension(data_dir: Path) -> None:
    answer = ask("drivers", "--data-dir", data_dir)
    assert set(answer) == {"retention", "engagement"}
    assert answer["engagement"]["rate"]["hits"] == USERS // 2
    assert answer["retention"]["rate"] | {"interval": None} == {
        "hits": USERS // 2, "total": USERS, "share": 0.5, "interval": None,
    }  # fmt: skip
    for outcome in answer.values():
        dimensions = outcome["drivers"]
        browsers = {driver["name"]: driver for driver in dimensions["browser"]}
        assert browsers["Firefox"]["inside"]["hits"] == browsers["Firefox"]["inside"]["total"] == USERS // 2
        assert browsers["Chrome"]["effect"] == -1.0
        assert {driver["name"] for driver in dimensions["operating system"]} == {"Linux", "Windows"}
        assert dimensions["page"][0]["name"] == "guide"
        assert abs(dimensions["plan"][0]["effect"]) < 0.1
    assert answer["engagement"]["drivers"]["overall"][0]["effect"] == pytest.approx(1.0)


def test_one_outcome_alone_and_few_rows_can_be_asked_for(data_dir: Path) -> None:
    answer = ask("drivers", "--data-dir", data_dir, "--outcome", "engagement", "--top", 1)
    assert set(answer) == {"engagement"}
    assert all(len(drivers) == 1 for drivers in answer["engagement"]["drivers"].values())


def test_drivers_are_shown_as_tables(data_dir: Path) -> None:
    shown = run("drivers", "--data-dir", data_dir).output
    for text in ("Retention", "Engagement", "by browser", "by page", "Firefox", "guide", "130 users"):
        assert text in shown


def test_an_items_score_rises_with_what_can_be_controlled(data_dir: Path) -> None:
    answer = ask(
        "what-if", "--data-dir", data_dir, "--item", "course-3", "--change", "lessons=5",
        "--control", "lessons", "--control", "teacher",
    )  # fmt: skip
    assert answer["score"] == pytest.approx(30, abs=8)
    assert answer["score_after"] == pytest.approx(50, abs=8)
    first = answer["suggestions"][0]
    assert (first["feature"], first["before"]) == ("lessons", 5.0)
    assert first["value"] > 7
    assert first["score"] - first["gain"] == pytest.approx(answer["score_after"])


def test_a_users_tier_is_asked_for_with_a_table(data_dir: Path) -> None:
    keen = ask("what-if", "--data-dir", data_dir, "--user", "user-0")
    other = ask("what-if", "--data-dir", data_dir, "--user", "user-1")
    assert keen["score"] > 0.6 > 0.1 > other["score"]
    assert keen["suggestions"] == []
    shown = run("what-if", "--data-dir", data_dir, "--item", "course-3", "--control", "lessons").output
    assert "engagement_score of course-3" in shown
    assert "(percent of its starters who complete it)" in shown
    assert "lessons = " in shown
    assert "would raise it most" in shown


def test_what_each_control_would_do_is_shown_helpful_or_not(data_dir: Path) -> None:
    asked = ("what-if", "--data-dir", data_dir, "--item", "course-3", "--change", "lessons=1000")
    answer = ask(*asked, "--control", "lessons")
    assert answer["suggestions"] == []
    assert {change["feature"] for change in answer["tried"]} == {"lessons"}
    assert len(answer["tried"]) > 1
    assert "none of them would raise it" in run(*asked, "--control", "lessons").output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "name either --user or --item"),
        (["--user", "user-1", "--item", "course-1"], "name either --user or --item"),
        (["--user", "nobody"], "knows no features of user nobody"),
        (["--user", "user-1", "--target", "weather"], "write one of engagement_tier, will_return"),
        (["--user", "user-1", "--target", "purchase"], "the model of purchase has learned"),
        (["--item", "course-1", "--change", "lessons"], "write FEATURE=VALUE"),
        (["--item", "course-1", "--change", "lessons=many"], "lessons is a number"),
        (["--item", "course-1", "--change", "length=3"], "a feature that the folder's examples have"),
        (["--item", "course-1", "--control", "length"], "no example in"),
        (["--item", "course-1", "--control", "lesson"], "near it are lessons"),
        (["--item", "course-1", "--change", "lesson=1"], "near it are lessons"),
    ],
)
def test_what_cannot_be_answered_is_told_in_a_sentence(
    data_dir: Path, arguments: list[str], sentence: str
) -> None:
    result = run("what-if", "--data-dir", data_dir, *arguments)
    assert isinstance(result.exception, StreamAppError)
    assert sentence in str(result.exception)


def test_clusters_tell_the_two_kinds_of_users_apart_and_other_ids_of_theirs_are_no_users(
    data_dir: Path,
) -> None:
    answer = ask("clusters", "--data-dir", data_dir, "-k", 2)
    assert sum(cluster["users"] for cluster in answer["clusters"]) == answer["users"] == USERS + 1
    assert min(cluster["share"] for cluster in answer["clusters"]) > 0.4
    assert all(cluster["traits"] for cluster in answer["clusters"])
    assert "Groups of 131 users" in run("clusters", "--data-dir", data_dir, "-k", 2).output


def test_an_empty_folder_has_neither_drivers_nor_clusters(tmp_path: Path) -> None:
    Store(tmp_path).close()
    for command, sentence in (("drivers", "knows of no user"), ("clusters", "holds 0 users")):
        result = run(command, "--data-dir", tmp_path)
        assert isinstance(result.exception, StateError)
        assert sentence in str(result.exception)
