"""Handles stop signals until a command has set its own handlers, because its imports alone take seconds.

Imports only the standard library's lightest modules, because this runs first.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

SERVICES = ("worker", "trainer", "collect", "events")
"""Commands that run until they are stopped: for them, to be stopped is success."""
UNFINISHED_CODE = 128 + signal.SIGTERM
"""The exit code of any other command that SIGTERM ended, as shells give it."""
STARTING = "stopped as asked, while it started"
UNFINISHED = "stopped as asked, before it was done; what was stored stays: run the same command again"


def stop_in_order(arguments: Sequence[str]) -> None:
    """Let SIGTERM, and SIGINT for services, end this process with one line and a suitable exit code.

    As after a crash, what is durable stays and the rest is repeated.
    """
    is_service = bool(arguments) and arguments[0] in SERVICES
    code, line = (0, STARTING) if is_service else (UNFINISHED_CODE, UNFINISHED)

    def stop(_number: int, _frame: FrameType | None) -> None:
        sys.stdout.flush()
        os.write(2, f"stream-app: {line}\n".encode())
        os._exit(code)

    if is_service:
        signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
