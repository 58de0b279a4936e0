"""Checks whether anything in a replay's files was understood, which a table of zeros would not show."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

import orjson

from stream_app.cli.options import messages
from stream_app.errors import NotUnderstoodError
from stream_app.intake.sources.source import Source
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.outputs import FailureReason


class _Before(NamedTuple):
    source: Source
    is_new: bool
    refused: int


class Understanding:
    """Watches sources being read; one that was partly read before counts as understood."""

    def __init__(self, store: Store, metrics: Metrics, data_dir: Path) -> None:
        self._store = store
        self._metrics = metrics
        self._data_dir = data_dir
        self._before: _Before | None = None
        self._complaints: list[str] = []
        self._sources = 0

    def begin(self, source: Source) -> None:
        """Note that a source is about to be read."""
        is_new = self._store.source_position(source.name).records == 0
        self._before = _Before(source, is_new, self._refused())

    def end(self, taken: int) -> None:
        """Note that it was read to its end, with its number of new records."""
        assert self._before is not None
        source, is_new, refused_before = self._before
        self._sources += 1
        if not is_new:
            return
        if not taken:
            self._complaints.append(f"{source.name} is empty: there are no events in it")
        elif self._refused() - refused_before == taken:
            self._complaints.append(self._complaint(source, taken))

    def judge(self) -> None:
        """Report sources without any understood event.

        Raises:
            NotUnderstoodError: none of them had any.
        """
        if self._complaints and len(self._complaints) == self._sources:
            raise NotUnderstoodError("; ".join(self._complaints))
        for complaint in self._complaints:
            messages.print(complaint, markup=False, highlight=False, soft_wrap=True)

    def _refused(self) -> int:
        """Records refused for their content rather than their time."""
        counts = self._metrics.failure_counts()
        return sum(count for reason, count in counts.items() if reason != FailureReason.LATE)

    def _complaint(self, source: Source, taken: int) -> str:
        newest = self._store.newest_output("failed_event")
        failed = orjson.loads(newest) if newest else {"reason": "unknown", "detail": ""}
        return (
            f"nothing in {source.name} was understood: all {taken:,} records were refused, the last as "
            f"{failed['reason']} ({failed['detail']}); docs/inputs.md has the forms that are read. They are "
            f"kept: stream-app outputs --data-dir {shlex.quote(str(self._data_dir))} --schema failed_event"
        )
