"""A gate that enables a part of the recommender while it improves predictions."""

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Gains in mean reciprocal rank that open and close; judgements needed first; memory in judgements.

    Between the two gains the state does not change (hysteresis).
    """

    opening_gain: float = 0.002
    closing_gain: float = 0.0
    least_judged: int = 200
    memory: float = 2_000.0


class GateState(msgspec.Struct):
    """Judgements so far, the decayed mean gain, and whether the gate is open."""

    judged: int
    gain: float
    is_open: bool


class PrequentialGate:
    """Opens when the decayed mean gain is high enough and closes when it is too low."""

    def __init__(self, settings: GateSettings | None = None) -> None:
        self.settings = settings or GateSettings()
        self.judged = 0
        self.gain = 0.0
        self.is_open = False

    def judge(self, reciprocal_rank_with: float, reciprocal_rank_without: float) -> None:
        """Add one comparison of rankings with and without the part."""
        self.judged += 1
        step = max(1 / self.judged, 1 / self.settings.memory)
        self.gain += step * (reciprocal_rank_with - reciprocal_rank_without - self.gain)
        if self.judged < self.settings.least_judged:
            return
        if self.gain > self.settings.opening_gain:
            self.is_open = True
        elif self.gain < self.settings.closing_gain:
            self.is_open = False

    def to_state(self) -> GateState:
        """Return everything learned."""
        return GateState(self.judged, self.gain, self.is_open)

    def restore(self, state: GateState) -> None:
        """Restore the state that `to_state` returned."""
        self.judged, self.gain, self.is_open = state.judged, state.gain, state.is_open
