from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command_line import CommandLine
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.features.user_row import OpenSession
from stream_app.models.recommenders.surface import Surface
from stream_app.runtimes.embedded.learned import RECOMMENDER
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.testing import event, page

HOUR = 3_600.0


def replay(folder: Path, values: list[bytes], *arguments: object) -> Path:
    folder.mkdir()
    (folder / "events.jsonl").write_bytes(b"\n".join(values))
    command = ["replay", folder / "events.jsonl", "--data-dir", folder / "data", "--json", *arguments]
    result = CliRunner().invoke(main.app, [str(part) for part in command])
    assert result.exception is None, result.output
    return folder / "data"


def visits() -> list[bytes]:
    """Sessions of tea -> pot -> cup and of pen -> ink, an hour apart, by users of one visit each."""
    paths = [["tea", "pot", "cup"], ["pen", "ink"]] * 6
    return [
        page(f"visitor-{number}", number * HOUR + turn * 10, item)
        for number, path in enumerate(paths)
        for turn, item in enumerate(path)
    ]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quiet = [event("identify", "silent", 12 * HOUR, traits={"age": 40})]
    return replay(tmp_path_factory.mktemp("replayed") / "run", [*visits(), *quiet])


def recommend(data_dir: Path, *arguments: object) -> Any:
    command = ["recommend", "--data-dir", data_dir, "--json", *arguments]
    result = CliRunner().invoke(main.app, [str(part) for part in command])
    assert result.exception is None, result.output
    return orjson.loads(result.stdout)


def test_a_session_gets_what_the_stored_surface_recommends(data_dir: Path) -> None:
    answer = recommend(data_dir, "--session-items", "tea, pot", "-k", 3)
    with Store(data_dir, read_only=True) as store:
        surface = Surface.from_state(store.snapshot(RECOMMENDER) or b"")
    assert answer["session_items"] == ["tea", "pot"]
    assert answer["note"] is None
    assert answer["items"] == [asdict(item) for item in surface.recommend(["tea", "pot"], 3)]
    assert "cup" in [item["item_id"] for item in answer["items"]]


def test_a_user_without_an_open_session_gets_what_follows_the_recent_items(data_dir: Path) -> None:
    answer = recommend(data_dir, "--user", "visitor-1")
    assert answer["origin"] == "the recent items of visitor-1"
    assert answer["session_items"] == ["pen", "ink"]
    assert answer["items"] == recommend(data_dir, "--session-items", "pen,ink")["items"]


def test_the_open_session_that_last_had_an_item_goes_before_recent_items(tmp_path: Path) -> None:
    folder = replay(tmp_path / "run", visits())
    with Store(folder) as store:
        row = store.row(0, "visitor-1")
        assert row is not None
        itemless = OpenSession(30.0, 40.0, "events", 2)
        late = OpenSession(10.0, 20.0, "events", 1, items=[(12.0, "cup"), (20.0, "tea")])
        early = OpenSession(1.0, 2.0, "events", 0, items=[(2.0, "ink")])
        row.open_sessions = [early, late, itemless]
        store.write(Checkpoint({(0, "visitor-1"): row}, [], {}, {}, {}))
    answer = recommend(folder, "--user", "visitor-1")
    assert answer["origin"] == "the open session of visitor-1"
    assert answer["session_items"] == ["cup", "tea"]


def test_what_the_catalogue_takes_out_is_not_recommended_even_once_it_is_resumed(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.jsonl"
    catalogue.write_text('{"item_id": "cup", "available": false}\n{"item_id": "pot", "category": "ware"}\n')
    folder = replay(tmp_path / "run", visits(), "--catalogue", catalogue)
    for _ in range(2):
        items = {item["item_id"] for item in recommend(folder, "--session-items", "tea")["items"]}
        assert "pot" in items
        assert "cup" not in items
        command = ["replay", str(tmp_path / "run" / "events.jsonl"), "--data-dir", str(folder), "--json"]
        assert CliRunner().invoke(main.app, command).exception is None


def test_a_bad_catalogue_ends_the_replay_in_one_sentence(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "events.jsonl").write_bytes(visits()[0])
    (tmp_path / "catalogue.jsonl").write_text('{"price": 3}')
    files = [tmp_path / "events.jsonl", "--data-dir", tmp_path / "data"]
    ended = command_line.run("replay", *files, "--catalogue", tmp_path / "catalogue.jsonl")
    ended.assert_refused("line 1 is no catalogue item of item_id")
    assert not (tmp_path / "data").exists()


def test_users_of_every_partition_are_found(tmp_path: Path) -> None:
    folder = replay(tmp_path / "run", visits(), "--partitions", 3)
    for number in range(6):
        assert recommend(folder, "--user", f"visitor-{number}")["session_items"]


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (["--user", "nobody"], "Nothing is known to go by"),
        (["--user", "silent"], "Nothing is known to go by"),
        (["--session-items", "unheard,of"], "None of these items was seen before"),
    ],
)
def test_without_evidence_popular_items_come_with_a_note(
    data_dir: Path, arguments: list[str], note: str
) -> None:
    answer = recommend(data_dir, *arguments)
    assert note in answer["note"]
    assert {item["source"] for item in answer["items"]} == {"popularity"}
    assert len(answer["items"]) == 5


def test_items_never_seen_are_named_in_the_note(data_dir: Path) -> None:
    assert "1 of these items" in recommend(data_dir, "--session-items", "tea,unheard")["note"]


def test_an_explanation_shares_out_the_score_and_names_the_click_before(data_dir: Path) -> None:
    answer = recommend(data_dir, "--session-items", "pen,tea", "--explain")
    by_item = {item["item_id"]: item for item in answer["items"]}
    assert by_item["ink"]["after"] == "pen"
    assert by_item["cup"]["after"] == "tea"
    assert {item["level"] for item in answer["items"]} == {"blend"}
    for item in answer["items"]:
        assert sum(item["source_shares"].values()) == pytest.approx(1)
        assert item["source"] == max(item["source_shares"], key=item["source_shares"].get)


def test_an_item_gets_what_is_visited_with_it(data_dir: Path) -> None:
    answer = recommend(data_dir, "--item", "tea")
    assert (answer["item"], answer["note"]) == ("tea", None)
    assert {item["item_id"] for item in answer["items"]} == {"pot", "cup"}
    assert {item["source"] for item in answer["items"]} == {"co_visitation"}
    assert sum(item["score"] for item in answer["items"]) == pytest.approx(1)
    assert len(recommend(data_dir, "--item", "tea", "-k", 1)["items"]) == 1


def test_an_item_without_company_says_so(data_dir: Path) -> None:
    answer = recommend(data_dir, "--item", "unheard")
    assert answer == {"item": "unheard", "note": "Nobody clicked unheard.", "items": []}


def test_neighbours_are_shown_as_a_table(data_dir: Path) -> None:
    command = ["recommend", "--data-dir", str(data_dir), "--item", "pen"]
    result = CliRunner().invoke(main.app, command, env={"COLUMNS": "200"})
    assert result.exception is None, result.output
    assert "With pen" in result.stdout
    assert "ink" in result.stdout
    assert "co_visitation" in result.stdout


def test_the_table_names_levels_and_evidence(data_dir: Path) -> None:
    command = ["recommend", "--data-dir", str(data_dir), "--session-items", "tea", "--explain"]
    result = CliRunner().invoke(main.app, command, env={"COLUMNS": "200"})
    assert result.exception is None, result.output
    assert "After the items given: tea" in result.stdout
    assert "nearest_sessions" in result.stdout
    assert "%" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "name one of --user, --session-items and --item"),
        (["--user", "u", "--session-items", "a"], 2, "name one of --user, --session-items and --item"),
        (["--item", "a", "--session-items", "a"], 2, "name one of --user, --session-items and --item"),
        (["--item", "tea", "--explain"], 2, "it needs --user or --session-items"),
        (["--session-items", " , "], 2, "names no item"),
        (["--user", "u", "-k", "0"], 2, "write a whole number from 1"),
        (["--user", "u", "--data-dir", "nothing"], 3, "nothing holds no data"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    arguments: list[str],
    code: int,
    sentence: str,
    data_dir: Path,
    command_line: CommandLine,
) -> None:
    folder = [] if "--data-dir" in arguments else ["--data-dir", str(data_dir)]
    command_line.run("recommend", *arguments, *folder).assert_refused(sentence, code)


def test_a_folder_without_learned_sessions_says_so(tmp_path: Path, command_line: CommandLine) -> None:
    folder = replay(tmp_path / "run", [event("identify", "u", 0)])
    ended = command_line.run("recommend", "--data-dir", folder, "--user", "u")
    ended.assert_refused("holds no learned session", 3)
