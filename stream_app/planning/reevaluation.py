"""A plan looked at again when it is due: what has changed since may put it off, or end it."""

from __future__ import annotations

from typing import NamedTuple

from stream_app.features.notified import Planned
from stream_app.planning.campaigns import Campaign
from stream_app.planning.decision import against
from stream_app.planning.limits import Limits
from stream_app.planning.occasion import Known
from stream_app.planning.reasons import PASSING, Reason


class Verdict(NamedTuple):
    """Send now (no reason), wait until `due_at`, or give up (`due_at` is None)."""

    reason: Reason | None
    due_at: float | None = None


def look_again(
    campaign: Campaign, known: Known, planned: Planned, now: float, *, is_wanted: bool = True
) -> Verdict:
    """Decide about a plan that is due at epoch second `now`.

    `is_wanted` is False where what triggered it no longer holds, as when the cart was bought meanwhile.
    """
    kind = campaign.by_name.get(planned.kind)
    if kind is None:
        return Verdict(Reason.UNKNOWN_TYPE)
    if now >= planned.expires_at:
        return Verdict(Reason.EXPIRED)
    if not is_wanted:
        return Verdict(Reason.NO_LONGER_WANTED)
    reason = against(campaign, known, kind)
    if reason is not None:
        return Verdict(reason)
    if campaign.state != "live":
        return Verdict(Reason.NOT_LIVE)
    if now < planned.due_at:  # the clock was set back, or somebody looks too early
        return Verdict(Reason.NOT_DUE, planned.due_at)
    limits = Limits(campaign, known.user_key, known.segment, known.state.sent, known.clock)
    waiting = 0.0 if kind.in_session or not kind.is_marketing else known.in_session_until
    reason = Reason.IN_SESSION if waiting > now else limits.against(kind, now)
    if reason is None:
        return Verdict(None)
    left = planned.expires_at - now
    later, _ = limits.moments(kind.model_copy(update={"valid_for": left}), now, waiting)
    if reason in PASSING and later:
        return Verdict(reason, min(later))
    return Verdict(reason)
