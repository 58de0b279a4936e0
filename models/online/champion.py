"""Which learner answers: a champion and its challengers, compared on each example before it is learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt


@dataclass(slots=True)
class Advantage:
    """Fading mean and variance of the champion's loss minus the challenger's, per example."""

    half_life: float
    mean: float = 0.0
    variance: float = 0.0
    weight: float = 0.0
    squared_weight: float = 0.0

    def update(self, difference: float) -> None:
        """Add the champion's loss minus the challenger's on one example."""
        fade = 0.5 ** (1 / self.half_life)
        self.weight = fade * self.weight + 1.0
        self.squared_weight = fade * fade * self.squared_weight + 1.0
        step = difference - self.mean
        self.mean += step / self.weight
        self.variance += (step * (difference - self.mean) - self.variance) / self.weight

    @property
    def standard_error(self) -> float:
        """Return the standard error of the fading mean, from its effective number of examples."""
        return sqrt(self.variance * self.squared_weight) / self.weight if self.weight else 0.0


@dataclass(slots=True)
class Contest:
    """Chooses the champion.

    A challenger replaces the champion when its fading mean advantage in loss has exceeded `errors` standard
    errors for `patience` consecutive examples and the last change was at least `least_reign` examples ago.
    All comparisons restart after a change, so two equals cannot alternate.

    Just before a refit, a refitted learner answers from an old fit, and in a drifting stream an incremental
    learner is then ahead. Published models are always fresh, so only examples that every contender answered
    from a fresh fit are compared; the others are just counted.
    """

    names: tuple[str, ...]
    half_life: float = 500.0
    errors: float = 3.0
    patience: int = 50
    least_reign: int = 300
    champion: str = ""
    reign: int = 0
    replacements: int = 0
    _advantages: dict[str, Advantage] = field(default_factory=dict)
    _ahead: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.champion = self.champion or self.names[0]
        self._start_afresh()

    def update(self, losses: Mapping[str, float]) -> None:
        """Add every contender's loss on one example, and replace the champion if the rule says so."""
        self.let_pass()
        for name, advantage in self._advantages.items():
            advantage.update(losses[self.champion] - losses[name])
            clearly = advantage.mean > self.errors * advantage.standard_error
            self._ahead[name] = self._ahead[name] + 1 if clearly else 0
        if self.reign >= self.least_reign:
            self._replace()

    def let_pass(self) -> None:
        """Count an example without comparing."""
        self.reign += 1

    def _replace(self) -> None:
        ahead = [name for name, examples in self._ahead.items() if examples >= self.patience]
        if ahead:
            self.champion = max(ahead, key=lambda name: self._advantages[name].mean)
            self.reign = 0
            self.replacements += 1
            self._start_afresh()

    def _start_afresh(self) -> None:
        challengers = [name for name in self.names if name != self.champion]
        self._advantages = {name: Advantage(self.half_life) for name in challengers}
        self._ahead = dict.fromkeys(challengers, 0)
