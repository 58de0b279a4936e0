"""Weights of a mixture of sources, learned online from which source predicted the next click.

Online expectation maximisation of mixture proportions (Cappe & Moulines, JRSS B 2009): each observation
moves the weights towards the sources' responsibilities for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import mul

import msgspec
import numpy as np


@dataclass(frozen=True, slots=True)
class SourceWeightsSettings:
    """The prior's weight in observations, and the minimum step, which lets old evidence fade."""

    prior_observations: float = 10.0
    least_step: float = 0.0005


class SourceWeightsState(msgspec.Struct):
    """Proportions and numbers of observations by context."""

    proportions: list[list[float]]
    observations: list[int]


class SourceWeights:
    """Proportions that sum to 1, one row per context (a small integer)."""

    def __init__(self, contexts: int, sources: int, settings: SourceWeightsSettings | None = None) -> None:
        self.settings = settings or SourceWeightsSettings()
        self.proportions = np.full((contexts, sources), 1 / sources)
        self.observations = [0] * contexts

    def learn(self, context: int, likelihoods: Iterable[float]) -> None:
        """Update a context's weights, given each source's probability for the clicked item."""
        proportions = self.proportions[context].tolist()
        responsibilities = list(map(mul, proportions, likelihoods))
        total = sum(responsibilities)
        if total <= 0:
            return
        self.observations[context] += 1
        count = self.settings.prior_observations + self.observations[context]
        step = max(1 / count, self.settings.least_step)
        self.proportions[context] = [
            share + step * (responsibility / total - share)
            for share, responsibility in zip(proportions, responsibilities, strict=True)
        ]

    def to_state(self) -> SourceWeightsState:
        """Return everything learned."""
        return SourceWeightsState(self.proportions.tolist(), list(self.observations))

    def restore(self, state: SourceWeightsState) -> None:
        """Restore what `to_state` returned; raise ValueError if it has other contexts or sources."""
        proportions = np.array(state.proportions, np.float64)
        if proportions.shape != self.proportions.shape:
            raise ValueError(f"weights of shape {proportions.shape} do not fit {self.proportions.shape}")
        self.proportions, self.observations = proportions, list(state.observations)
