"""Why a notification was planned, put off, withdrawn or not sent: the words that outputs carry."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """One reason each; the sentence stands in docs/campaigns.md."""

    STOPPED = "stopped"
    NOT_LIVE = "not_live"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    CONTROL_GROUP = "control_group"
    WRONG_SEGMENT = "wrong_segment"
    COOL_DOWN = "cool_down"
    DAY_CAP = "day_cap"
    WEEK_CAP = "week_cap"
    SPREAD = "spread"
    QUIET_HOURS = "quiet_hours"
    IN_SESSION = "in_session"
    NOT_DUE = "not_due"
    MISSING_ITEMS = "missing_items"
    MISSING_CONTENT = "missing_content"
    NOT_WORTH_IT = "not_worth_it"
    NO_LONGER_WANTED = "no_longer_wanted"
    EXPIRED = "expired"
    UNKNOWN_TYPE = "unknown_type"
    ERASED = "erased"


# What may pass while a notification is still worth sending; everything else ends it.
PASSING = frozenset(
    {
        Reason.DAY_CAP,
        Reason.WEEK_CAP,
        Reason.SPREAD,
        Reason.QUIET_HOURS,
        Reason.IN_SESSION,
        Reason.NOT_DUE,
        Reason.COOL_DOWN,
    }
)
