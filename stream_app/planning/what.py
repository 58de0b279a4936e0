"""Which type: a recovering difference softmax.

After Yancey and Settles, "A Sleeping, Recovering Bandit Algorithm for Optimizing Recurring Notifications"
(KDD 2020): each eligible type is scored by how much better it does than the others that were eligible, in
relation to them, less a penalty for having been shown lately that recovers with time. Theirs are averages and
a fixed penalty; here both come from the model of chances, which learns the penalty's size and shrinks each
segment's types towards everybody's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TEMPERATURE = 0.06
LEAST_PROPENSITY = 0.01
_LEAST_CHANCE = 0.02


def difference_scores(values: Floats, chances: Floats) -> Floats:
    """How much better each type is than the mean of the others, in relation to their chance of an opening.

    Args:
        values: what each type is worth: its chance of being opened less the price of driving somebody away
            (K,); K is at least 2.
        chances: the chances of being opened alone (K,), positive.
    """
    others = len(values) - 1
    of_others = (values.sum() - values) / others
    scale = np.maximum((chances.sum() - chances) / others, _LEAST_CHANCE)
    scores: Floats = (values - of_others) / scale
    return scores


def propensities_of(values: Floats, chances: Floats, temperature: float = TEMPERATURE) -> Floats:
    """The probability of each type, never less than LEAST_PROPENSITY so that every choice can be judged."""
    if len(values) == 1:
        return np.ones(1)
    scores = difference_scores(values, chances)
    weights = np.exp((scores - scores.max()) / temperature)
    floor = min(LEAST_PROPENSITY, 1.0 / len(values))
    result: Floats = floor + (1.0 - floor * len(values)) * weights / weights.sum()
    return result


def choose(propensities: Floats, draw: float) -> int:
    """The place of the type that a draw from [0, 1) falls on."""
    place = int(np.searchsorted(np.cumsum(propensities), draw * propensities.sum(), side="right"))
    return min(place, len(propensities) - 1)
