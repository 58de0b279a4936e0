"""How people answer notifications: hidden habits, of which every seed draws other strengths.

`docs/simulation.md` states the model and its ranges. Nothing that plans, learns or decides may import this
module (`lint-imports` sees to it); it is for judging them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from stream_app.simulation.population import HOUR_PROFILES, Population, sigmoid

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

HOURS = 24
MOST_CHANCE = 0.9


@dataclass(frozen=True)
class Strengths:
    """What a seed draws, each uniformly from its range in `RANGES`; logits unless said otherwise."""

    level: float
    level_spread: float
    level_by_engagement: float
    type_spread: float
    personas: float
    persona_spread: float
    liking_spread: float
    hour_strength: float
    own_peak: float
    interest: float
    tiring: float
    recovery_days: float
    wear: float
    wear_days: float
    absence: float
    leaving: float
    leaving_spread: float
    leaving_by_type: float
    leaving_by_tiredness: float
    leaving_by_level: float
    dismissing: float
    momentum: float
    buying: float
    winning_back: float


RANGES: dict[str, tuple[float, float]] = {
    "level": (-3.2, -1.8),
    "level_spread": (0.8, 1.5),
    "level_by_engagement": (0.2, 1.2),
    "type_spread": (0.8, 1.3),
    "personas": (3, 6.999),  # how many, rounded down
    "persona_spread": (0.1, 0.5),
    "liking_spread": (0.05, 0.25),
    "hour_strength": (0.4, 1.2),
    "own_peak": (0.0, 0.3),  # share of the hours' effect that visits do not show
    "interest": (0.1, 0.6),
    "tiring": (0.2, 0.8),
    "recovery_days": (1.0, 6.0),
    "wear": (0.2, 1.2),
    "wear_days": (3.0, 14.0),
    "absence": (0.2, 1.2),
    "leaving": (-5.8, -4.6),
    "leaving_spread": (0.2, 0.6),
    "leaving_by_type": (0.2, 0.7),
    "leaving_by_tiredness": (0.2, 0.8),
    "leaving_by_level": (0.2, 0.8),  # whoever opens little leaves sooner
    "dismissing": (2.0, 3.5),  # dismissing above leaving
    "momentum": (0.1, 0.6),
    "buying": (0.0, 0.5),
    "winning_back": (0.2, 0.8),  # share of those away who stay after they opened something
}


def draw_strengths(draw: np.random.Generator) -> Strengths:
    """The strengths of one seed."""
    drawn = {field.name: float(draw.uniform(*RANGES[field.name])) for field in fields(Strengths)}
    return Strengths(**drawn)


class Responses:
    """The hidden habits of every person towards every type of notification.

    Args:
        population: the people, with their taste, rhythm and engagement.
        types: how many types of notifications there are.
        with_items: which of them name an item (types,).

    Attributes:
        level: liking for being notified at all (people,).
        liking: liking for each type (people, types).
        by_hour: liking for each local hour, on weekdays and at weekends (people, 2, 24).
        annoyance: how easily each type drives a person away (people, types).
    """

    def __init__(self, population: Population, types: int, with_items: Booleans) -> None:
        draw = population.settings.generator("responses")
        self.strengths = strengths = draw_strengths(draw)
        people = population.settings.users
        self._with_items = with_items
        engaged = 2 * population.engagement - 1
        self.level: Floats = (
            strengths.level
            + strengths.level_by_engagement * engaged / 2
            + strengths.level_spread * draw.normal(size=people)
        )
        personas = int(strengths.personas)
        rank = population.engagement + 0.15 * draw.normal(size=people)
        persona = np.clip((rank * personas).astype(np.int64), 0, personas - 1)
        self.liking: Floats = (
            strengths.type_spread * draw.normal(size=types)
            + strengths.persona_spread * draw.normal(size=(personas, types))[persona]
            + strengths.liking_spread * draw.normal(size=(people, types))
        )
        self.by_hour = self._draw_hours(population, draw)
        self.annoyance: Floats = (
            strengths.leaving
            - strengths.leaving_by_level * (self.level - strengths.level)[:, None]
            + strengths.leaving_spread * draw.normal(size=(people, 1))
            + strengths.leaving_by_type * draw.normal(size=types)
        )

    def _draw_hours(self, population: Population, draw: np.random.Generator) -> Floats:
        people = population.settings.users
        shown = np.log(HOUR_PROFILES)[population.rhythm]
        peak = draw.uniform(7, 23, (people, 1))
        away = np.abs(np.arange(HOURS) - peak)
        own = -0.5 * (np.minimum(away, HOURS - away) / 3.0) ** 2
        own_share = self.strengths.own_peak
        mixed = (1 - own_share) * _standard(shown) + own_share * _standard(own)[:, None, :]
        by_hour: Floats = self.strengths.hour_strength * mixed
        return by_hour

    def opening(
        self,
        who: Integers,
        types: Integers,
        hour: Integers,
        weekend: int,
        condition: Condition,
        interest: Floats,
    ) -> Floats:
        """The chance that each of n notifications is opened; `interest` is in the item that it names."""
        strengths = self.strengths
        logits = (
            self.level[who]
            + self.liking[who, types]
            + self.by_hour[who, weekend, hour]
            + strengths.interest * interest * self._with_items[types]
            - strengths.tiring * condition.tiredness[who]
            - strengths.wear * condition.wear[who, types]
            - strengths.absence * condition.is_away[who]
        )
        chance: Floats = np.minimum(sigmoid(logits), MOST_CHANCE)
        return chance

    def leaving(
        self, who: Integers, types: Integers, hour: Integers, weekend: int, condition: Condition
    ) -> Floats:
        """The chance that each of n notifications has its receiver opt out."""
        chance: Floats = sigmoid(self._annoyed(who, types, hour, weekend, condition))
        return chance

    def dismissing(
        self, who: Integers, types: Integers, hour: Integers, weekend: int, condition: Condition
    ) -> Floats:
        """The chance that each of n notifications, if it is not opened, is dismissed."""
        logits = self._annoyed(who, types, hour, weekend, condition) + self.strengths.dismissing
        chance: Floats = sigmoid(logits)
        return chance

    def _annoyed(
        self, who: Integers, types: Integers, hour: Integers, weekend: int, condition: Condition
    ) -> Floats:
        logits: Floats = (
            self.annoyance[who, types]
            + self.strengths.leaving_by_tiredness * condition.tiredness[who]
            - 0.25 * self.by_hour[who, weekend, hour]
        )
        return logits

    def describe(self) -> dict[str, float]:
        """The strengths, for the truth's file and reports."""
        return asdict(self.strengths)


class Condition:
    """What past notifications have done to people: it fades from day to day.

    Attributes:
        tiredness: of being notified at all (people,).
        wear: of each type (people, types).
        is_away: whether a person does not come of their own accord any more (people,).
    """

    def __init__(self, people: int, types: int) -> None:
        self.tiredness: Floats = np.zeros(people)
        self.wear: Floats = np.zeros((people, types))
        self.is_away: Booleans = np.zeros(people, np.bool_)

    def note(self, who: Integers, types: Integers, opened: Booleans) -> None:
        """Let notifications tire their receivers; those that were opened tire half as much."""
        self.tiredness[who] += np.where(opened, 0.5, 1.0)
        self.wear[who, types] += 1.0

    def recover(self, strengths: Strengths) -> None:
        """Let a day pass."""
        self.tiredness *= np.exp(-1 / strengths.recovery_days)
        self.wear *= np.exp(-1 / strengths.wear_days)


def _standard(logs: Floats) -> Floats:
    """Logs of shares by hour, centred, with a spread of 1, and cut below so that no hour is hopeless."""
    centred = logs - logs.mean(axis=-1, keepdims=True)
    standard: Floats = np.maximum(centred / centred.std(axis=-1, keepdims=True), -1.5)
    return standard
