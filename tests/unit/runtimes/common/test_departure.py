"""Processes that hang in every way, told to stop or not: each is gone in time and says why."""

import signal
import subprocess
import sys

import pytest

DEADLINE_SECONDS = 60.0
BEGIN = """
import asyncio, sys, threading
from stream_app.runtimes.common.departure import call_on_stop_signal, leave
def hang():
    print("hangs", flush=True)
    while True:
        pass
"""
TOLD_WHILE_IT_COMPUTES = """
async def main():
    call_on_stop_signal(lambda: None, within=0.2)
    hang()
asyncio.run(main())
"""
A_THREAD_THAT_STAYS = """
leave(4, "the broker is lost", within=0.2)
threading.Thread(target=hang).start()
"""


@pytest.mark.parametrize(
    ("program", "is_told", "exit_code", "last_line"),
    [
        (TOLD_WHILE_IT_COMPUTES, True, 0, "stopped as asked"),
        (A_THREAD_THAT_STAYS, False, 4, "the broker is lost"),
    ],
)
def test_it_is_gone_in_time_and_says_why(program: str, is_told: bool, exit_code: int, last_line: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    if is_told:
        assert process.stdout.readline() == "hangs\n"
        process.send_signal(signal.SIGTERM)
    try:
        _, messages = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == exit_code
    assert messages.rstrip().rpartition("\n")[2].startswith(f"stream-app: {last_line}" if last_line else "")
