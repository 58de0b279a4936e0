"""What a signal to stop does before a command has set its own handlers: its imports alone take seconds.

Only the standard library's lightest modules are imported here, since this comes first of all.
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
    """Have SIGTERM end this process with one line and a fitting exit code; for services SIGINT, too.

    What is durable stays so and the rest is done again, as after a crash.
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
