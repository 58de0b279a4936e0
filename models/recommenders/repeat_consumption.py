"""How likely the next click is to return to an item of the session, learned online.

Whether people go back depends less on the item than on how they have clicked so far (Anderson, Kumar, Tomkins
& Vassilvitskii, "The dynamics of repeat consumption", WWW 2014; for sessions, Ren et al., "RepeatNet", AAAI
2019). A ranking assigns parts of its expectation to the current item, to earlier ones and to new ones. A
multinomial logistic regression, with these parts as offsets and trained with AdaGrad, corrects them (Duchi,
Hazan & Singer, JMLR 2011).
"""

import math
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

import msgspec

from stream_app.models.recommenders.session_view import SessionView

FEATURES = 8


class Parts(NamedTuple):
    """The parts of a whole for the session's current item, its earlier items, and all others."""

    current: float
    earlier: float
    new: float


@dataclass(frozen=True, slots=True)
class RepeatConsumptionSettings:
    """AdaGrad's step size, and the bound on a correction's logit."""

    step: float = 0.05
    most: float = 3.0


class RepeatConsumptionState(msgspec.Struct):
    """Weights and sums of squared gradients by feature, for the current and for earlier items."""

    weights: list[list[float]]
    squares: list[list[float]]


class RepeatConsumption:
    """Factors for the scores of the current and of earlier items."""

    def __init__(self, settings: RepeatConsumptionSettings | None = None) -> None:
        self.settings = settings or RepeatConsumptionSettings()
        self._weights = [[0.0] * FEATURES for _ in range(2)]
        self._squares = [[0.0] * FEATURES for _ in range(2)]

    def factors(self, situation: list[float]) -> tuple[float, float]:
        """Return the factors for the expectations of the current and of earlier items."""
        most = self.settings.most
        current, earlier = (sum(map(mul, weights, situation)) for weights in self._weights)
        return math.exp(min(max(current, -most), most)), math.exp(min(max(earlier, -most), most))

    def learn(self, situation: list[float], expected: Parts, clicked: Parts) -> None:
        """Learn from the parts before correction; `clicked` is 1 for the part that was clicked."""
        current, earlier = self.factors(situation)
        parts = (expected.current * current, expected.earlier * earlier)
        total = sum(parts) + expected.new
        for outcome, (weights, squares) in enumerate(zip(self._weights, self._squares, strict=True)):
            error = parts[outcome] / total - clicked[outcome]
            for feature, value in enumerate(situation):
                gradient = error * value
                if gradient:
                    squares[feature] += gradient * gradient
                    weights[feature] -= self.settings.step * gradient / math.sqrt(squares[feature])

    def to_state(self) -> RepeatConsumptionState:
        """Return everything learned."""
        return RepeatConsumptionState(self._weights, self._squares)

    def restore(self, state: RepeatConsumptionState) -> None:
        """Restore the state that `to_state` returned; raise ValueError if it has other features."""
        rows = [*state.weights, *state.squares]
        if len(state.weights) != 2 or len(state.squares) != 2 or any(len(row) != FEATURES for row in rows):
            raise ValueError(f"the repeat model has two rows of {FEATURES} weights and as many squares")
        self._weights, self._squares = state.weights, state.squares


def situation_of(view: SessionView) -> list[float]:
    """Return the features of a session with at least one known item, scaled to about 1."""
    items = view.items
    current, clicks, distinct = items[-1], len(items), len(set(items))
    return [
        1.0,
        math.log(clicks),
        math.log(distinct),
        math.log(items.count(current)),
        math.log(view.index.item_click_counters[current]) / 5,
        float(clicks > 1 and items[-2] == current),
        float(clicks == 1),
        float(distinct == 1),
    ]
