"""`stream-app` called in this process as from a shell."""

import sys
from typing import NamedTuple

import pytest

from stream_app.cli import main


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int | str | None
    out: str
    err: str

    def assert_refused(self, sentence: str, code: int = 2) -> None:
        """That it ended with one line."""
        assert self.code == code
        assert sentence in self.err
        assert self.err.count("\n") == 1
        assert not self.out


class CommandLine:
    """Runs commands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *arguments: object) -> Ended:
        """Run one to its end."""
        self._monkeypatch.setattr(sys, "argv", ["stream-app", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main.main()
        told = self._capsys.readouterr()
        return Ended(end.value.code, told.out, told.err)
