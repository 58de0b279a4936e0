"""SIGTERM as a request: what is under way is brought to a point from which it can go on."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self


class StopRequest:
    """While entered, the first SIGTERM is noted; a second one ends the process as it would have before."""

    def __init__(self) -> None:
        self.is_made = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere no signal can be taken
            self._before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.is_made = True
        signal.signal(signal.SIGTERM, self._before)
