"""Processes under guard that hang in every way: each is ended in time, with the record that it hung on."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60.0
BEGIN = """
import asyncio, ctypes, os, signal, sys
from pathlib import Path
from stream_app.runtimes.common.guarded import guarded
folder = Path(sys.argv[1])
def hang_in_c():
    ctypes.PyDLL(None).sleep(600)  # which, called so, keeps the interpreter to itself
def hang():
    while True:
        pass
def run(main):
    asyncio.run(main())
"""
IN_A_CALL = """
async def main():
    with guarded(folder, 0.5) as position:
        position.begin("topic", 3, 40, 49)
        position.reach(47)
        hang_in_c()
run(main)
"""
IN_PYTHON = """
async def main():
    with guarded(folder, 0.5) as position:
        position.begin("topic", 3, 40, 49)
        position.end()
        hang()
run(main)
"""
A_LOOP_THAT_TURNS = """
async def main():
    with guarded(folder, 0.3):
        print("runs", flush=True)
        await asyncio.sleep(0.9)
run(main)
"""
A_GUARD_THAT_DIES = """
async def main():
    with guarded(folder, 0.5):
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        os.kill(int(children.read_text()), signal.SIGKILL)
        await asyncio.sleep(0.5)
        hang()
run(main)
"""


@pytest.mark.parametrize(
    ("program", "exit_code", "last_line"),
    [
        (
            IN_A_CALL,
            5,
            "stuck for 0.5 s on the record of topic, partition 3, offset 47: strike 1 of 3; start it again "
            '(File "<string>", line 7 in hang_in_c)',
        ),
        (IN_PYTHON, 5, 'nothing else ran for 0.5 s (File "<string>", line '),
        (A_GUARD_THAT_DIES, 5, "nothing else ran for 0.5 s"),
        (A_LOOP_THAT_TURNS, 0, ""),
    ],
)
def test_it_is_ended_in_time_and_told_where_it_hung(
    tmp_path: Path, program: str, exit_code: int, last_line: str
) -> None:
    process = _begin(program, tmp_path)
    try:
        _, messages = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == exit_code, messages
    assert messages.rstrip().rpartition("\n")[2].startswith(f"stream-app: {last_line}" if last_line else "")
    strikes = tmp_path / "strikes.json"
    told = [(strike["offset"], strike["first"], strike["last"]) for strike in _read(strikes)]
    assert told == ([(47, 40, 49)] if "offset 47" in last_line else [])


def test_strikes_of_one_record_are_counted(tmp_path: Path) -> None:
    said = []
    for _ in range(3):
        process = _begin(IN_A_CALL, tmp_path)
        said.append(process.communicate(timeout=DEADLINE_SECONDS)[1])
    assert ["strike 1 of 3" in said[0], "strike 2 of 3" in said[1]] == [True, True]
    assert "the next start leaves it out, as unprocessable" in said[2]
    assert [strike["count"] for strike in _read(tmp_path / "strikes.json")] == [3]


def test_who_stands_still_because_a_signal_says_so_is_not_stuck(tmp_path: Path) -> None:
    process = _begin(A_LOOP_THAT_TURNS, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.send_signal(signal.SIGCONT)
    _, messages = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, messages) == (0, "")


def _begin(program: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _read(strikes: Path) -> list[dict[str, int]]:
    return json.loads(strikes.read_text()) if strikes.exists() else []
