"""The outcomes whose drivers can be analysed."""

from enum import StrEnum


class Outcome(StrEnum):
    """An outcome that may have come true for a user."""

    RETENTION = "retention"
    ENGAGEMENT = "engagement"
