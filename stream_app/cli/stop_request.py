"""Treats SIGTERM as a request to stop at the next point from which work can continue."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class StopRequest:
    """While entered, the first SIGTERM is noted; a second one ends the process as usual."""

    def __init__(self) -> None:
        self.is_made = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only the main thread can handle signals
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.is_made = True
        signal.signal(signal.SIGTERM, self._before)
