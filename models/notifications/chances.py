"""How probably a notification is opened, dismissed, or drives its user away.

One linear form of what is known feeds three models. What belongs to the user alone (openness, a liking for a
type or an hour) comes in as a ratio of openings to those foreseen, shrunk towards one; what belongs to
segments, types and hours is shrunk by the models' priors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stream_app.models.notifications.logistic import BlockLogistic, Floats, Integers, sigmoid

HOURS = 24

# (name, prior mean, prior spread) for opening; the same columns serve for dismissing, with its own priors.
SHARED = (
    ("level", -2.2, 1.0),
    ("openness", 1.0, 0.3),
    ("tired_1d", -0.1, 0.3),
    ("tired_3d", -0.1, 0.3),
    ("tired_7d", -0.05, 0.3),
    ("away", -0.2, 0.4),
    ("activity", 0.1, 0.4),
)
OF_KIND = (
    ("liking", 0.5, 0.3),
    ("shown_3d", -0.3, 0.4),
    ("shown_10d", -0.2, 0.4),
    ("relevance", 0.2, 0.4),
)
OF_HOUR = (("visits", 0.5, 0.4), ("opened_then", 0.5, 0.3))
_SEGMENT_SPREAD, _KIND_SPREAD, _PAIR_SPREAD, _HOUR_SPREAD = 0.4, 0.9, 0.35, 0.35
_SLOPE_SPREAD = 0.3
_MIDDLE_ACTIVITY = 1.5  # log of 1 + visits in a month
_ANNOYING_LEVEL = -2.5
_USUAL_AT_FIRST, _USUAL_MEMORY = 0.05, 2_000.0
OPT_OUT_LEVEL, OPT_OUT_SLOPE = -5.3, 0.8


class Occasion(NamedTuple):
    """What is known of one user when K types and H moments come into question.

    Attributes:
        segment: number of the user's segment.
        shared: values of `SHARED` (7,).
        kinds: numbers of the types (K,).
        of_kind: values of `OF_KIND` (K, 4).
        hours: local hours (H,).
        of_hour: values of `OF_HOUR` (H, 2).
    """

    segment: int
    shared: Floats
    kinds: Integers
    of_kind: Floats
    hours: Integers
    of_hour: Floats


@dataclass(frozen=True)
class Layout:
    """Where each value stands among the models' columns."""

    segments: int
    kinds: int

    @property
    def size(self) -> int:
        """How many columns there are."""
        return self.first_hour + HOURS

    @property
    def first_of_kind(self) -> int:
        """Column of the first value of a type."""
        return len(SHARED)

    @property
    def first_of_hour(self) -> int:
        """Column of the first value of a moment."""
        return self.first_of_kind + len(OF_KIND)

    @property
    def first_segment(self) -> int:
        """Column of the first segment."""
        return self.first_of_hour + len(OF_HOUR)

    @property
    def first_kind(self) -> int:
        """Column of the first type."""
        return self.first_segment + self.segments

    @property
    def first_pair(self) -> int:
        """Column of the first pair of segment and type."""
        return self.first_kind + self.kinds

    @property
    def first_slope(self) -> int:
        """Column of the first type's slope over the user's activity."""
        return self.first_pair + self.segments * self.kinds

    @property
    def first_hour(self) -> int:
        """Column of the first local hour."""
        return self.first_slope + self.kinds

    def priors(self) -> tuple[Floats, Floats]:
        """Mean and spread of each weight of the model of opening."""
        declared = [*SHARED, *OF_KIND, *OF_HOUR]
        mean = np.zeros(self.size)
        mean[: len(declared)] = [prior for _, prior, _ in declared]
        spread = np.concatenate(
            [
                [width for _, _, width in declared],
                np.full(self.segments, _SEGMENT_SPREAD),
                np.full(self.kinds, _KIND_SPREAD),
                np.full(self.segments * self.kinds, _PAIR_SPREAD),
                np.full(self.kinds, _SLOPE_SPREAD),
                np.full(HOURS, _HOUR_SPREAD),
            ]
        )
        return mean, spread

    def example(self, occasion: Occasion, kind: int, hour: int) -> tuple[Integers, Floats]:
        """Columns and values of one type (by its place in the occasion) at one moment (likewise)."""
        number = int(occasion.kinds[kind])
        columns = np.concatenate(
            [
                np.arange(self.first_segment),
                [
                    self.first_segment + occasion.segment,
                    self.first_kind + number,
                    self.first_pair + occasion.segment * self.kinds + number,
                    self.first_slope + number,
                    self.first_hour + int(occasion.hours[hour]),
                ],
            ]
        )
        values = np.concatenate(
            [
                occasion.shared,
                occasion.of_kind[kind],
                occasion.of_hour[hour],
                np.ones(3),
                [_activity(occasion), 1.0],
            ]
        )
        return columns, values


class Chances:
    """The three models over one layout, learned together; `usual` is how often anything is opened of late."""

    def __init__(self, segments: int, kinds: int) -> None:
        self.layout = Layout(segments, kinds)
        self.usual = _USUAL_AT_FIRST
        mean, spread = self.layout.priors()
        self.opening = BlockLogistic(mean, spread)
        annoyed = np.where(np.arange(len(mean)) < self.layout.first_segment, -0.3 * mean, mean)
        annoyed[0] = _ANNOYING_LEVEL
        self.dismissing = BlockLogistic(annoyed, spread)
        # Opting out is rare: its chance follows that of dismissing, with a level and a slope of its own, and
        # each type a little.
        columns = 2 + kinds
        prior = np.zeros(columns)
        prior[:2] = OPT_OUT_LEVEL, OPT_OUT_SLOPE
        self.leaving = BlockLogistic(prior, np.concatenate([[0.8, 0.3], np.full(kinds, 0.4)]), block=4 * 128)

    def foresee(self, occasion: Occasion) -> tuple[Floats, Floats]:
        """Chances of opening and of opting out for every type and moment: (K, H) each."""
        opening = sigmoid(self._logits(self.opening, occasion))
        annoyance = self._logits(self.dismissing, occasion)
        level, slope = self.leaving.weights[:2]
        of_kind = self.leaving.weights[2 + occasion.kinds][:, None]
        return opening, sigmoid(level + slope * (annoyance - _ANNOYING_LEVEL) + of_kind)

    def tiring(self) -> Floats:
        """By how much one notification lowers the logit of opening the next, by half-life (3,)."""
        first = [name for name, _, _ in SHARED].index("tired_1d")
        tiring: Floats = -self.opening.weights[first : first + 3]
        return tiring

    def learn(self, columns: Integers, values: Floats, *, opened: bool, dismissed: bool, left: bool) -> None:
        """Take in what became of one notification, with the columns and values of when it was sent."""
        annoyance = self.dismissing.logit(columns, values) - _ANNOYING_LEVEL
        kind = int(columns[-4]) - self.layout.first_kind
        self.usual += (float(opened) - self.usual) / _USUAL_MEMORY
        self.leaving.learn([0, 1, 2 + kind], [1.0, annoyance, 1.0], float(left))
        self.opening.learn(columns, values, float(opened))
        self.dismissing.learn(columns, values, float(dismissed or left))

    def _logits(self, model: BlockLogistic, occasion: Occasion) -> Floats:
        layout, weights = self.layout, model.weights
        shared = occasion.shared @ weights[: layout.first_of_kind]
        shared += weights[layout.first_segment + occasion.segment]
        of_kind = occasion.of_kind @ weights[layout.first_of_kind : layout.first_of_hour]
        of_kind += weights[layout.first_kind + occasion.kinds]
        of_kind += weights[layout.first_pair + occasion.segment * layout.kinds + occasion.kinds]
        of_kind += _activity(occasion) * weights[layout.first_slope + occasion.kinds]
        of_hour = occasion.of_hour @ weights[layout.first_of_hour : layout.first_segment]
        of_hour += weights[layout.first_hour + occasion.hours]
        logits: Floats = shared + of_kind[:, None] + of_hour[None, :]
        return logits


def _activity(occasion: Occasion) -> float:
    """The user's activity about its middle, for how it changes what a type is worth."""
    return float(occasion.shared[-1]) - _MIDDLE_ACTIVITY
