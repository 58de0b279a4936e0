"""Samples of a running contender taken from outside, and the figures derived from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WARM_UP_SHARE = 0.2
"""Of the events of a run, those that are not timed: connecting, the first fetch, the first compilations."""
END_SHARE = 0.85
"""Of the events of a run, those after which nothing is timed. While there are more, as much is read and
computed ahead of what is done as at the begin: the processor time of one end makes up for the other's."""


class Sample(NamedTuple):
    """One sample: wall and CPU seconds, and the number of finished events."""

    wall: float
    cpu: float
    events: int


class Rate(NamedTuple):
    """Events per second of wall time, and per second of the contender's CPU time."""

    per_second: float
    per_cpu_second: float


def steady_rate(samples: Sequence[Sample], goal: int) -> Rate:
    """The rate from the first sample after the warm-up to the first near the goal.

    Raises:
        ValueError: the looks do not span that much.
    """
    begin = next((sample for sample in samples if sample.events >= goal * WARM_UP_SHARE), None)
    end = next((sample for sample in samples if sample.events >= goal * END_SHARE), None)
    if begin is None or end is None or end.events == begin.events or samples[-1].events < goal:
        raise ValueError(f"{len(samples)} looks do not span a run of {goal} events")
    done = end.events - begin.events
    return Rate(done / (end.wall - begin.wall), done / max(end.cpu - begin.cpu, 1e-9))


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = max(-(-len(ordered) * share // 1), 1)
    return ordered[int(rank) - 1]
