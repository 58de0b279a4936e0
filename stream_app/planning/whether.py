"""Whether at all: consent, control group, and what a send is worth against what it may cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_app.planning.campaigns import Campaign, NotificationType
from stream_app.planning.keyed import keyed_share
from stream_app.planning.reasons import Reason

Floats = NDArray[np.float64]

OPT_OUT_PRICE = 10.0  # openings that one opting out costs, besides those that are then lost
LEAST_SHARE = 0.15  # of what a notification usually brings: one that is worth less is not sent
NEXT_ONES = 2  # notifications ahead that tiredness is counted for: more would trust its estimate too far
TRIAL_SHARE = 0.05  # of decisions that try what seems worth little, so that a wrong belief is found out
OUTLOOK_DAYS = 28.0  # how far ahead openings count that a user who opts out will not give


class Standing(NamedTuple):
    """What bars or allows a user: consent to marketing, having opted out, a trait of an experiment."""

    may_market: bool
    opted_out: bool = False
    control_trait: str = ""


def is_control(campaign: Campaign, user_key: str, control_trait: str) -> bool:
    """Whether the user gets no marketing for comparison: what a trait says, else a keyed hash."""
    if control_trait:
        return control_trait.strip().lower() in {"control", "holdout", "true", "yes", "1"}
    experiment = campaign.experiment
    if experiment is None:
        return False
    return keyed_share("control", experiment.name, user_key) < experiment.control_share


def barred(campaign: Campaign, kind: NotificationType, user_key: str, standing: Standing) -> Reason | None:
    """Why this user gets nothing of this type now or later; None where nothing is in the way."""
    if campaign.state == "stopped":
        return Reason.STOPPED
    if not kind.is_marketing:
        return None
    if standing.opted_out:
        return Reason.OPTED_OUT
    if not standing.may_market:
        return Reason.NO_CONSENT
    if is_control(campaign, user_key, standing.control_trait):
        return Reason.CONTROL_GROUP
    return None


def worth_of(chances: Floats, opt_outs: Floats, days_between: float, tiring: Floats) -> Floats:
    """What sending is worth, in openings: arrays of (K, H).

    An opening counts 1. Opting out costs a price, and the openings that the user would have given. Tiring the
    user takes from the openings of the notifications to come.

    Args:
        chances: of being opened (K, H).
        opt_outs: chances of opting out (K, H).
        days_between: days from one notification to the next, as the caps allow.
        tiring: pairs of the logit that one notification costs at once, and the half-life in days (n, 2).
    """
    usual = float(chances.max())
    lost = OUTLOOK_DAYS / days_between * usual
    later = days_between * np.arange(1, NEXT_ONES + 1)
    logits = (tiring[:, 0] * 0.5 ** (later[:, None] / tiring[:, 1])).sum(axis=1)
    tired = float(np.maximum(0.0, logits).sum()) * usual * (1.0 - usual)
    worth: Floats = chances - (OPT_OUT_PRICE + lost) * opt_outs - tired
    return worth
