"""One joint decision for one user: what, when and whether, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_app.features.notified import Planned
from stream_app.models.notifications.chances import Occasion
from stream_app.planning.campaigns import Campaign, NotificationType
from stream_app.planning.keyed import keyed_share
from stream_app.planning.limits import Limits
from stream_app.planning.occasion import TIRED_HALF_LIVES, Known, Learned, occasion_of
from stream_app.planning.reasons import Reason
from stream_app.planning.what import choose, propensities_of
from stream_app.planning.whether import LEAST_SHARE, TRIAL_SHARE, barred, worth_of
from stream_app.settings.rules import DAY

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

USUAL_PER_WEEK = 7  # where no cap says


@dataclass(frozen=True)
class Weighed:
    """Types side by side, each at the moment that suits it best: arrays of (K,).

    The models learn from `occasion` at the chosen type's place and moment (`hours`) once its answer is known.
    """

    names: Sequence[str]
    at: Floats
    worth: Floats
    chances: Floats
    opt_outs: Floats
    hours: Integers
    occasion: Occasion
    propensities: Floats
    place: int


@dataclass(frozen=True)
class Decision:
    """A plan, or the reason why there is none; and why each type that came up was not eligible."""

    planned: Planned | None
    reason: Reason | None
    turned_away: Mapping[str, Reason] = field(default_factory=dict)
    weighed: Weighed | None = None


def decide(
    campaign: Campaign,
    known: Known,
    candidates: Sequence[NotificationType],
    learned: Learned,
    now: float,
    cause: str,
) -> Decision:
    """Decide for one user at epoch second `now` among the types that came up; `cause` keys the draw."""
    turned_away: dict[str, Reason] = {}
    eligible: list[NotificationType] = []
    for kind in candidates:
        reason = against(campaign, known, kind)
        if reason is None:
            eligible.append(kind)
        else:
            turned_away[kind.name] = reason
    limits = Limits(campaign, known.user_key, known.segment, known.state.sent, known.clock)
    moments: dict[str, dict[float, int]] = {}
    for kind in eligible:
        found, reason = limits.moments(kind, now, 0.0 if kind.in_session else known.in_session_until)
        if found:
            moments[kind.name] = found
        else:
            turned_away[kind.name] = reason
    eligible = [kind for kind in eligible if kind.name in moments]
    if not eligible:
        return Decision(None, next(iter(turned_away.values()), None), turned_away)
    urgent = [kind for kind in eligible if not kind.is_marketing]
    if urgent:
        eligible = [max(urgent, key=lambda kind: kind.priority)]
    return _weigh(_Asked(campaign, known, learned, now, cause), eligible, moments, turned_away)


def against(campaign: Campaign, known: Known, kind: NotificationType) -> Reason | None:
    """Why the user is not eligible for a type, whatever the time."""
    reason = barred(campaign, kind, known.user_key, known.standing)
    if reason is not None:
        return reason
    if not kind.suits(known.segment):
        return Reason.WRONG_SEGMENT
    items = kind.items
    if items is not None and len(known.items.get(items.source, ())) < items.least:
        return Reason.MISSING_ITEMS
    return None


class _Asked(NamedTuple):
    campaign: Campaign
    known: Known
    learned: Learned
    now: float
    cause: str


def _weigh(
    asked: _Asked,
    kinds: Sequence[NotificationType],
    moments: Mapping[str, Mapping[float, int]],
    turned_away: dict[str, Reason],
) -> Decision:
    campaign, known, learned, now, cause = asked
    times = {at: hour for kind in kinds for at, hour in moments[kind.name].items()}
    numbers = {kind.name: campaign.numbers[kind.name] for kind in kinds}
    occasion = occasion_of(known, learned, numbers, list(times.values()), now)
    chances, opt_outs = learned.chances.foresee(occasion)
    tiring = np.column_stack([learned.chances.tiring(), TIRED_HALF_LIVES / DAY])
    worth = worth_of(chances, opt_outs, _days_between(campaign, known, kinds), tiring)
    for place, kind in enumerate(kinds):
        if len(moments[kind.name]) < len(times):
            worth[place, [at not in moments[kind.name] for at in times]] = -np.inf
    best = worth.argmax(axis=1)
    rows = np.arange(len(kinds))
    worth, chances, opt_outs = worth[rows, best], chances[rows, best], opt_outs[rows, best]
    is_trial = keyed_share("trial", campaign.name, known.user_key, cause) < TRIAL_SHARE
    is_worth_it = np.array([is_trial or not kind.is_marketing for kind in kinds]) | (
        worth >= LEAST_SHARE * learned.chances.usual
    )
    turned_away |= {
        kind.name: Reason.NOT_WORTH_IT for kind, ok in zip(kinds, is_worth_it, strict=True) if not ok
    }
    propensities = np.zeros(len(kinds))
    if not is_worth_it.any():
        return Decision(None, Reason.NOT_WORTH_IT, turned_away)
    propensities[is_worth_it] = propensities_of(worth[is_worth_it], chances[is_worth_it])
    place = choose(propensities, keyed_share("what", campaign.name, known.user_key, cause))
    at = np.fromiter(times, np.float64)[best]
    weighed = Weighed(list(numbers), at, worth, chances, opt_outs, best, occasion, propensities, place)
    planned = _plan(asked, kinds[place], weighed)
    return Decision(planned, None, turned_away, weighed)


def _days_between(campaign: Campaign, known: Known, kinds: Sequence[NotificationType]) -> float:
    """Days from one notification to the next where all are sent that the narrowest cap of a week allows."""
    caps = [campaign.shared_caps, *(campaign.channel_by_name[kind.channel].caps for kind in kinds)]
    of_week = [cap for cap in (each.of_week(known.segment) for each in caps) if cap]
    return 7.0 / min(of_week, default=USUAL_PER_WEEK)


def _plan(asked: _Asked, kind: NotificationType, weighed: Weighed) -> Planned:
    known, now = asked.known, asked.now
    items = [] if kind.items is None else known.items[kind.items.source][: kind.items.count]
    return Planned(
        id=plan_id(asked.campaign, known.user_key, asked.cause),
        kind=kind.name,
        channel=kind.channel,
        planned_at=now,
        due_at=float(weighed.at[weighed.place]),
        expires_at=now + kind.valid_for,
        chance=float(weighed.chances[weighed.place]),
        propensity=float(weighed.propensities[weighed.place]),
        items=[str(item["id"]) for item in items],
    )


def plan_id(campaign: Campaign, user_key: str, cause: str) -> str:
    """32 hex digits that stay with a notification from its plan to its delivery and feedback."""
    text = "\x1f".join(("notification", campaign.name, user_key, cause))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
