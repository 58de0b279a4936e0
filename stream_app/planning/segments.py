"""The eleven segments of recency, frequency and money: every combination of scores has exactly one."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Segment(StrEnum):
    """Segments by the names that marketing uses."""

    CHAMPIONS = "Champions"
    LOYAL = "Loyal"
    POTENTIALLY_LOYAL = "Potentially Loyal"
    NEW = "New"
    PROMISING = "Promising"
    NEEDS_ATTENTION = "Needs Attention"
    ABOUT_TO_SLEEP = "About To Sleep"
    AT_RISK = "At Risk"
    CANT_LOSE = "Cant Lose"
    HIBERNATING = "Hibernating"
    LOST = "Lost"


SEGMENTS = tuple(Segment)
SEGMENT_NUMBER = {segment: number for number, segment in enumerate(SEGMENTS)}


class RfmScores(NamedTuple):
    """Scores from 1 to 5; 5 is best, so a recent visit scores a high recency."""

    recency: int
    frequency: int
    monetary: int

    @property
    def worth(self) -> int:
        """Frequency and money as one score, halves rounded up."""
        return (self.frequency + self.monetary + 1) // 2


# One row for each recency, best first; in it one segment for each worth from 1 to 5.
_GRID: dict[int, tuple[Segment, ...]] = {
    5: (
        Segment.NEW,
        Segment.POTENTIALLY_LOYAL,
        Segment.POTENTIALLY_LOYAL,
        Segment.CHAMPIONS,
        Segment.CHAMPIONS,
    ),
    4: (Segment.PROMISING, Segment.POTENTIALLY_LOYAL, Segment.LOYAL, Segment.LOYAL, Segment.CHAMPIONS),
    3: (Segment.PROMISING, Segment.NEEDS_ATTENTION, Segment.NEEDS_ATTENTION, Segment.LOYAL, Segment.LOYAL),
    2: (Segment.ABOUT_TO_SLEEP, Segment.ABOUT_TO_SLEEP, Segment.AT_RISK, Segment.AT_RISK, Segment.AT_RISK),
    1: (Segment.LOST, Segment.HIBERNATING, Segment.HIBERNATING, Segment.CANT_LOSE, Segment.CANT_LOSE),
}


def segment_of(scores: RfmScores) -> Segment:
    """The one segment of these scores."""
    return _GRID[scores.recency][scores.worth - 1]
