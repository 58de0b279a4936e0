"""The side-by-side measurement: its tables are kept as they come, and a backlog is laid out as a whole."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from load_tests import bench
from load_tests.contender import running

COUNTING = "import itertools\nfor number in itertools.count(): print(number, flush=True)"
DEADLINE_SECONDS = 30.0


def test_tables_are_there_when_what_comes_after_them_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measure(_extent: Any, _parts: Any, write: Callable[[str], None]) -> None:
        write("| first |")
        write("| second |")
        raise ValueError("3 looks do not span a run")

    monkeypatch.setattr(bench, "measure", measure)
    monkeypatch.setattr(bench, "missing_requirements", lambda: None)
    out = tmp_path / "tables.md"
    out.write_text("of an earlier run")
    with pytest.raises(ValueError, match="do not span"):
        bench.main(out=out)
    assert out.read_text() == "| first |\n\n| second |\n\n"


def test_a_paused_contender_stands_still_and_goes_on(tmp_path: Path) -> None:
    async def watch() -> tuple[str, int, int]:
        cores = {min(os.sched_getaffinity(0))}
        with running([sys.executable, "-c", COUNTING], cores, tmp_path / "log") as contender:
            before = await contender.watch(contender.printed, 1)
            with contender.paused():
                state = await until_stopped(contender.pid)
            after = await contender.watch(contender.printed, before[-1].events + 1_000)
            return state, before[-1].events, after[-1].events

    state, before, after = asyncio.run(watch())
    assert state == "T"
    assert after > before


async def until_stopped(pid: int) -> str:
    """The process's state in /proc, T once it stands still."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_SECONDS
    while (state := Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) != "T":
        assert loop.time() < deadline, state
        await asyncio.sleep(0.01)
    return state
