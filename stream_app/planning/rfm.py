"""Recency, frequency and money scored by the running percentiles of all users.

One digest (fastdigest's t-digest) for each of the three and each period of four weeks. Digests of several
workers merge, and a whole scale is kept as JSON. No sketch forgets old values, so the cuts come from the
newest two periods alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Self

import orjson
from fastdigest import TDigest

from stream_app.planning.segments import RfmScores
from stream_app.settings.rules import DAY

CUTS = (0.20, 0.40, 0.65, 0.85)
PERIOD = 28 * DAY
PERIODS_KEPT = 2
LEAST_USERS = 20  # below, percentiles say nothing
MEASURES = ("recency", "frequency", "monetary")
_CENTROIDS = 200
_PENDING = 512

Measures = tuple[float, float, float]


def measures_of(last_at: float, uses: float, spent: float, now: float) -> Measures:
    """Recency (seconds, negative, so that recent is high), frequency and money of one user at `now`."""
    return (min(0.0, last_at - now), uses, spent)


class RfmScale:
    """The percentiles of all users, learned in one place and read everywhere."""

    def __init__(self) -> None:
        self._digests: dict[int, list[TDigest]] = {}
        self._pending: dict[int, list[Measures]] = {}
        self._cuts: list[list[float]] | None = None

    def learn(self, measures: Measures, at: float) -> None:
        """Take in one user's measures at event time `at` (epoch seconds)."""
        period = int(at // PERIOD)
        pending = self._pending.setdefault(period, [])
        pending.append(measures)
        if len(pending) >= _PENDING:
            self._digest(period)
        self._cuts = None

    def score(self, measures: Measures) -> RfmScores:
        """Scores from 1 to 5; all 3 until enough users were seen."""
        cuts = self._current_cuts()
        if not cuts:
            return RfmScores(3, 3, 3)
        # A value equal to a cut is not above it, so that a crowd at zero scores 1.
        recency, frequency, monetary = (
            1 + bisect_left(at, value) for at, value in zip(cuts, measures, strict=True)
        )
        return RfmScores(recency, frequency, monetary)

    def cuts(self) -> Mapping[str, list[float]]:
        """The four cuts of each measure, empty until enough users were seen."""
        return dict(zip(MEASURES, self._current_cuts(), strict=False))

    def merge(self, other: RfmScale) -> None:
        """Take in all that another scale has learned."""
        for period in list(other._pending):
            other._digest(period)
        for period, digests in other._digests.items():
            self._digest(period)
            for own, given in zip(self._digests[period], digests, strict=True):
                if given.n_values:
                    own.merge_inplace(given)
        self._forget()
        self._cuts = None

    def to_json(self) -> bytes:
        """All that is kept, for a snapshot."""
        for period in list(self._pending):
            self._digest(period)
        return orjson.dumps(
            {str(period): [digest.to_dict() for digest in kept] for period, kept in self._digests.items()}
        )

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The scale that `to_json` wrote.

        Raises:
            ValueError: the bytes are none.
        """
        scale = cls()
        stored: dict[str, list[Any]] = orjson.loads(data)
        for period, digests in stored.items():
            scale._digests[int(period)] = [TDigest.from_dict(digest) for digest in digests]
        return scale

    def _current_cuts(self) -> list[list[float]]:
        if self._cuts is None:
            for period in list(self._pending):
                self._digest(period)
            self._forget()
            self._cuts = self._find_cuts()
        return self._cuts

    def _find_cuts(self) -> list[list[float]]:
        merged = [TDigest(max_centroids=_CENTROIDS) for _ in MEASURES]
        for kept in self._digests.values():
            for whole, part in zip(merged, kept, strict=True):
                if part.n_values:
                    whole.merge_inplace(part)
        if merged[0].n_values < LEAST_USERS:
            return []
        return [[digest.quantile(cut) for cut in CUTS] for digest in merged]

    def _digest(self, period: int) -> None:
        digests = self._digests.setdefault(period, [TDigest(max_centroids=_CENTROIDS) for _ in MEASURES])
        pending = self._pending.pop(period, [])
        if pending:
            for digest, values in zip(digests, zip(*pending, strict=True), strict=True):
                digest.batch_update(list(values))

    def _forget(self) -> None:
        for period in sorted(self._digests)[:-PERIODS_KEPT]:
            del self._digests[period]
