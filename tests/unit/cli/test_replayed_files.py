"""What a replay says of a file that brings nothing, how far it is, and what a stop leaves."""

import signal
from pathlib import Path

import orjson
import pytest
from support.command_line import CommandLine

from stream_app.cli import inputs
from stream_app.cli.inputs import ProgressLines
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.testing import page

EVENTS = b"\n".join(page(f"u{number % 5}", number * 10.0, f"item-{number % 3}") for number in range(60))


def test_a_file_in_which_nothing_is_understood_ends_with_one_sentence(
    tmp_path: Path, command_line: CommandLine
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader\nthis is no event\n")
    ended = command_line.run("replay", path, "--data-dir", tmp_path / "data")
    ended.assert_refused("letter.txt was understood: all 2 records were refused, the last as bad_json", 7)
    kept = command_line.run("outputs", "--data-dir", tmp_path / "data", "--schema", "failed_event", "--json")
    assert kept.out.count("\n") == 2


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]", b"user_id,ts\n"])
def test_an_empty_file_says_so(tmp_path: Path, command_line: CommandLine, data: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(data)
    ended = command_line.run("replay", path, "--data-dir", tmp_path / "data", "--json")
    ended.assert_refused("events.jsonl is empty: there are no events in it", 7)


def test_beside_others_it_is_no_more_than_a_line(tmp_path: Path, command_line: CommandLine) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").touch()
    (tmp_path / "in" / "b.jsonl").write_bytes(EVENTS)
    ended = command_line.run("replay", tmp_path / "in", "--data-dir", tmp_path / "data", "--json")
    assert ended.code == 0
    assert "a.jsonl is empty" in ended.err
    assert orjson.loads(ended.out)["records"] == 60


def test_a_file_read_again_is_not_empty(tmp_path: Path, command_line: CommandLine) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(EVENTS)
    codes = [command_line.run("replay", path, "--data-dir", tmp_path / "data").code for _ in range(2)]
    assert codes == [0, 0]


def test_progress_without_a_terminal_is_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    progress = ProgressLines("replaying events.jsonl", 1000, lambda: now)
    for seconds, records in ((9.9, 90), (10.0, 100), (19.0, 190), (20.0, 2000), (31.0, 2200)):
        now = 100.0 + seconds
        progress(records, records // 4)
    assert capsys.readouterr().err.splitlines() == [
        "replaying events.jsonl: 100 events, 10/s, 2%, at position 25",
        "replaying events.jsonl: 2,000 events, 100/s, 50%, at position 500",
        "replaying events.jsonl: 2,200 events, 71/s, 55%, at position 550",
    ]


def test_a_stop_says_how_far_it_came_and_the_same_command_goes_on(
    tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(EVENTS)
    handler = signal.getsignal(signal.SIGTERM)
    plain = inputs.ProgressLines.__call__

    def stop(lines: ProgressLines, records: int, read: int) -> None:
        plain(lines, records, read)
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(inputs.ProgressLines, "__call__", stop)
        patch.setattr("stream_app.folder.opening.Replay", _small_rounds)
        ended = command_line.run("replay", path, "--data-dir", tmp_path / "data")
    ended.assert_refused(f"stopped as asked after 20 records of {path}", 143)
    assert "run the same command again" in ended.err
    assert signal.getsignal(signal.SIGTERM) is handler
    with Store(tmp_path / "data", read_only=True) as store:
        assert store.source_position(str(path)).records == 20
    again = command_line.run("replay", path, "--data-dir", tmp_path / "data", "--json")
    assert orjson.loads(again.out)["records"] == 40


def _small_rounds(*arguments: object, **named: object) -> Replay:
    return Replay(*arguments, **named, round_records=20)  # type: ignore[arg-type]
