"""`content`, and `what-if` of an item, on a folder in which courses were started and completed."""

from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.errors import InputError, StateError
from stream_app.models.judging.intervals import Rate
from stream_app.testing import page, track

DAY = 86_400.0
COURSES = {f"c{number}": {"lessons": 5.0 * number, "level": "ab"[number % 2]} for number in range(1, 9)}
STARTS = 2_200


def write_inputs(folder: Path) -> dict[str, Rate]:
    """Short courses are completed by most; the completions and starters of each course."""
    chance, events = Random(3), list[tuple[float, bytes]]()
    completed: dict[str, list[bool]] = {course: [] for course in COURSES}
    for number in range(STARTS):
        user = f"u{number // len(COURSES)}"
        course, at = list(COURSES)[number % len(COURSES)], number * 300.0
        completes = chance.random() < 0.9 - COURSES[course]["lessons"] / 50
        completed[course].append(completes)
        events.append((at, track(user, at, "Course Started", {"course_id": course})))
        if completes:
            events.append((at + 60, track(user, at + 60, "Course Completed", {"course_id": course})))
    # Several users: one alone would not move the watermark of a history.
    events += [(day * DAY, page(f"late-{user}", day * DAY)) for day in (17, 18) for user in range(3)]
    events.sort(key=lambda pair: pair[0])
    (folder / "events.jsonl").write_bytes(b"\n".join(event for _, event in events))
    items = [
        {"item_id": course, "kind": "course", "attributes": attributes}
        for course, attributes in COURSES.items()
    ]
    (folder / "catalogue.jsonl").write_bytes(b"\n".join(map(orjson.dumps, items)))
    return {course: Rate(sum(made), len(made)) for course, made in completed.items()}


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main.app, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Rate]]:
    inputs = tmp_path_factory.mktemp("content")
    rates = write_inputs(inputs)
    flags = ("--set", f"outlook_interval={400 * DAY}")  # of users nothing is asked here
    files = (inputs / "events.jsonl", "--catalogue", inputs / "catalogue.jsonl")
    result = run("replay", *files, "--data-dir", inputs / "data", "--json", *flags)
    assert result.exception is None, result.output
    return inputs / "data", rates


def ask(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exception is None, result.output
    return orjson.loads(result.output)


def test_every_item_has_its_starters_its_interval_and_a_score_between(
    folder: tuple[Path, dict[str, Rate]],
) -> None:
    data_dir, rates = folder
    answer = ask("content", "--data-dir", data_dir)
    assert (answer["items"], answer["status"]) == (len(COURSES), "ready")
    scores = {score["item_id"]: score for score in answer["scores"]}
    assert list(scores) == sorted(scores, key=lambda item: (-scores[item]["starters"], item))
    for item, rate in rates.items():
        score = scores[item]
        assert (score["completers"], score["starters"]) == rate
        assert score["interval"] == pytest.approx([100 * bound for bound in rate.interval])  # type: ignore[attr-defined]
        assert min(score["expected"], 100 * rate.share) - 3 < score["score"]  # type: ignore[attr-defined]
        assert score["score"] < max(score["expected"], 100 * rate.share) + 3  # type: ignore[attr-defined]
        assert score["reasons"]
    assert scores["c1"]["score"] > scores["c8"]["score"] + 30


def test_the_newest_told_scores_lie_among_the_outputs(folder: tuple[Path, dict[str, Rate]]) -> None:
    data_dir, _ = folder
    printed = run("outputs", "--data-dir", data_dir, "--schema", "content_score", "--json").output
    told = {score["item_id"]: score for score in map(orjson.loads, printed.splitlines())}
    assert told.keys() == COURSES.keys()
    assert all(score["user_key"] is None and score["starters"] > 100 for score in told.values())
    lines = run("outputs", "--data-dir", data_dir, "--schema", "item_outcomes", "--limit", 3).output
    assert lines.count("items completed") == 3


def test_one_item_can_be_asked_for_and_is_shown_as_a_table(folder: tuple[Path, dict[str, Rate]]) -> None:
    data_dir, rates = folder
    shown = run("content", "--data-dir", data_dir, "--item", "c2").output
    assert f"{100 * rates['c2'].share:.1f} (" in shown
    assert "c3" not in shown
    with pytest.raises(InputError, match="knows of no starter of c99"):
        raise run("content", "--data-dir", data_dir, "--item", "c99").exception


def test_what_if_asks_of_an_item_what_its_features_let_expect(
    folder: tuple[Path, dict[str, Rate]],
) -> None:
    data_dir, _ = folder
    asked = ("what-if", "--data-dir", data_dir, "--item", "c8")
    changed = ask(*asked, "--change", "lessons=5")
    expected = ask("content", "--data-dir", data_dir, "--item", "c8")["scores"][0]["expected"]
    assert changed["score"] == pytest.approx(expected)
    assert changed["score_after"] > expected + 10
    [suggestion] = ask(*asked, "--control", "lessons")["suggestions"]
    assert suggestion["value"] < COURSES["c8"]["lessons"]
    assert suggestion["gain"] > 10


def test_a_folder_without_starts_says_so(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(page("u", 0, "home"))
    run("replay", tmp_path / "events.jsonl", "--data-dir", tmp_path / "data")
    with pytest.raises(StateError, match="engagement_score"):
        raise run("content", "--data-dir", tmp_path / "data").exception
