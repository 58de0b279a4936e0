"""Which moment: the user's own hours, shrunk to rhythms of their segment and of everybody, by evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream_app.features.notified import Tally

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOURS = 24
RHYTHMS = 6
OWN_EVIDENCE = 12.0  # visits of a user that count as much as what rhythms say
TALLY_EVIDENCE = 0.6  # openings foreseen
_WEIGHT_EVIDENCE = 20.0  # users of everybody that count as much as a segment's own
_MOST_LOG = 3.0
_MOST_COUNT = 40.0  # visits of one user: more prove nothing new of their rhythm


def smooth(hours: Floats) -> Floats:
    """Counts by hour, part of each given to its neighbours, around the clock; the last axis is the hour."""
    smoothed: Floats = 0.5 * hours + 0.25 * (np.roll(hours, 1, -1) + np.roll(hours, -1, -1))
    return smoothed


class VisitHours:
    """A few rhythms of the day, and how common each is in each segment: what a user's visits are shrunk to.

    A mixture of multinomials, learned by expectation and maximisation. Where the rhythms lie is shared by
    everybody, how common they are by a segment; the user's own visits say which of them is theirs.
    """

    def __init__(self, segments: int) -> None:
        peaks = np.arange(RHYTHMS) * HOURS / RHYTHMS
        distance = np.abs(np.arange(HOURS) - peaks[:, None])
        near = np.exp(-0.5 * (np.minimum(distance, HOURS - distance) / 4.0) ** 2)
        self.profiles: Floats = near / near.sum(axis=1, keepdims=True)
        self.weights: Floats = np.full((segments, RHYTHMS), 1.0 / RHYTHMS)

    def learn(self, segments: Integers, hours: Floats) -> None:
        """Improve the rhythms by many users: their segments' numbers (n,), their visits by hour (n, 24)."""
        totals = hours.sum(axis=1, keepdims=True)
        counts = hours * np.minimum(1.0, _MOST_COUNT / np.maximum(totals, 1.0))
        belonging = self._belonging(segments, counts)
        profiles = smooth(belonging.T @ counts) + 0.2
        self.profiles = profiles / profiles.sum(axis=1, keepdims=True)
        everybody = belonging.sum(axis=0) + 1.0
        weights = np.zeros_like(self.weights)
        np.add.at(weights, segments, belonging)
        weights += _WEIGHT_EVIDENCE * everybody / everybody.sum()
        self.weights = weights / weights.sum(axis=1, keepdims=True)

    def affinity(self, segment: int, hours: Sequence[int] | Floats) -> Floats:
        """Log of how much likelier a user is to come at each hour than at any (24,)."""
        own = np.asarray(hours, np.float64)
        belonging = self._belonging(np.array([segment]), own[None, :])[0]
        expected = belonging @ self.profiles
        share = (smooth(own) + OWN_EVIDENCE * expected) / (own.sum() + OWN_EVIDENCE)
        affinity: Floats = np.clip(np.log(share * HOURS), -_MOST_LOG, _MOST_LOG)
        return affinity

    def _belonging(self, segments: Integers, counts: Floats) -> Floats:
        """How probably each user keeps each rhythm (n, RHYTHMS)."""
        logs = counts @ np.log(self.profiles).T + np.log(self.weights[segments])
        odds: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares: Floats = odds / odds.sum(axis=1, keepdims=True)
        return shares


def ratio_log(opened: Floats, expected: Floats, evidence: float) -> Floats:
    """Log of openings to those foreseen, shrunk to 0 by evidence (openings foreseen)."""
    ratio: Floats = np.log((opened + evidence) / (expected + evidence))
    return ratio


def opened_then(hours: Sequence[Tally]) -> Floats:
    """For each local hour, log of a user's openings there and nearby to those foreseen (24,)."""
    if not hours:
        return np.zeros(HOURS)
    opened = smooth(np.array([tally.opened for tally in hours]))
    expected = smooth(np.array([tally.expected for tally in hours]))
    return ratio_log(opened, expected, TALLY_EVIDENCE)
