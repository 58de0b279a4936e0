"""What drivers are sought of."""

from enum import StrEnum


class Outcome(StrEnum):
    """What may have come true of a user."""

    RETENTION = "retention"
    ENGAGEMENT = "engagement"
