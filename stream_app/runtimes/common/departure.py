"""Timely exit: a process ends soon after it was asked to stop or had to, whatever hangs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

GOODBYE_SECONDS = 8.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave(exit_code: int, last_line: str, within: float = GOODBYE_SECONDS) -> None:
    """Let the process end by itself for `within` seconds, then end it.

    The result is the same as after a crash: what is durable stays, and the rest is repeated.
    """
    _after(within, lambda: end(exit_code, last_line))


def end(exit_code: int, last_line: str = "") -> NoReturn:
    """End the process now, so that hanging threads neither keep it alive nor set its exit code."""
    logging.shutdown()
    if last_line:
        sys.stderr.write(f"stream-app: {last_line}\n")
    sys.stderr.flush()
    os._exit(exit_code)


def call_on_stop_signal(on_stop: Callable[[], None], within: float = GOODBYE_SECONDS) -> None:
    """Call back in the running loop at SIGINT or SIGTERM; the process ends soon after in any case.

    The loop's own handlers would wait for it, however long it computes.
    """
    loop = asyncio.get_running_loop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        leave(0, "stopped as asked, in the middle of what was under way", within)
        loop.call_soon_threadsafe(on_stop)

    for number in SIGNALS:
        signal.signal(number, handle)


def _after(seconds: float, act: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
