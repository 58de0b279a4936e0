"""Records that have stopped this worker before, and which of them to skip."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from stream_app.observability.guard import MOST_STRIKES, read_strikes, write_strikes

log = logging.getLogger(__name__)


class Strikes:
    """What the guard recorded (`observability/guard.py`) in a worker's folder; empty without a file.

    A record's strikes are forgotten once it has been processed or skipped for good.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: list[dict[str, Any]] = []
        if path is not None:
            try:
                self._known = read_strikes(path)
            except ValueError as error:
                log.warning("%s is damaged and is recreated: %s", path, error)

    def concern(self, topic: str, partition: int, first: int, last: int) -> bool:
        """Whether one of these records, by their first and last offset, may have stopped the worker."""
        return any(
            _is_of(strike, topic, partition) and strike["first"] <= last and first <= strike["last"]
            for strike in self._known
        )

    def are_too_many(self, topic: str, partition: int, offset: int) -> bool:
        """Whether a record has stopped the worker so often that it must not be tried again."""
        return any(
            _is_of(strike, topic, partition)
            and strike["offset"] == offset
            and strike["count"] >= MOST_STRIKES
            for strike in self._known
        )

    def forget(self, topic: str, partition: int, until: int) -> None:
        """Forget strikes of records up to an offset, whose results are durable."""
        kept = [
            strike
            for strike in self._known
            if not _is_of(strike, topic, partition) or strike["offset"] > until
        ]
        if self._path is not None and len(kept) < len(self._known):
            write_strikes(self._path, kept)
        self._known = kept


def _is_of(strike: dict[str, Any], topic: str, partition: int) -> bool:
    return bool(strike["topic"] == topic and strike["partition"] == partition)
