"""A histogram that counts many records per call; prometheus_client's own takes one value per call."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from threading import Lock

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class RecordHistogram(Collector):
    """Counts records by a value that many of them share; `bounds` are ascending and inclusive."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self._name = name
        self._text = text
        self._bounds = (*bounds, float("inf"))
        self._counts = [0] * len(self._bounds)
        self._sum = 0.0
        self._lock = Lock()  # scrapes read from another thread

    def observe(self, value: float, records: int) -> None:
        """Count a number of records with this value."""
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += records
            self._sum += value * records

    def collect(self) -> Iterable[Metric]:
        """The metric family for scraping."""
        with self._lock:
            cumulative = list(accumulate(self._counts))
            total = self._sum
        names = map(floatToGoString, self._bounds)
        buckets = [(name, float(count)) for name, count in zip(names, cumulative, strict=True)]
        yield HistogramMetricFamily(self._name, self._text, buckets=buckets, sum_value=total)
