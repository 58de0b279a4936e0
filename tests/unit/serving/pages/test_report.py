"""The report as one file: whole, loading nothing, with the figures that the API gives."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.served_folder import Asker

from stream_app.folder.opening import open_replay
from stream_app.observability.metrics import Metrics
from stream_app.settings.environment import Settings


class Loads(HTMLParser):
    """What a file would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe", "object"}:
            self.found.append(tag)
        self.found += [name for name, _ in attributes if name in {"src", "href"} or name.startswith("on")]


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def test_a_report_is_one_file_with_the_folders_figures(
    command_line: CommandLine, folder: Path, pages: Asker, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    ended = command_line.run("report", "--data-dir", folder, "--out", out)
    assert ended.code == 0
    assert str(out) in ended.out
    text = out.read_text()
    assert Loads(text).found == []
    assert text.count("<svg") > 5
    status = pages.get("/v1/status").json()
    assert f"<b>{status['users']:,}</b>" in text
    for outcome in pages.get("/v1/drivers").json().values():
        assert outcome["meaning"] in text


def test_a_report_of_a_folder_that_knows_little_leaves_out_what_it_cannot_say(
    command_line: CommandLine, tmp_path: Path
) -> None:
    with open_replay(tmp_path / "data", Settings(), Metrics()) as (_, _, replay):
        replay.finish()
    out = tmp_path / "report.html"
    assert command_line.run("report", "--data-dir", tmp_path / "data", "--out", out).code == 0
    assert "Users by tier" in out.read_text()


def test_a_report_that_cannot_be_written_says_so(
    command_line: CommandLine, folder: Path, tmp_path: Path
) -> None:
    ended = command_line.run("report", "--data-dir", folder, "--out", tmp_path / "no/such/folder.html")
    assert ended.code == 3
    assert "cannot be written" in ended.err
