"""Outcome examples: moments whose labels are not known yet, kept until event time passes their horizon.

A moment stores the current features, and what the user does up to the horizon becomes the labels. Labels
therefore cannot leak into features, and late events count at the time they happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import isnan, nan
from struct import pack, unpack
from typing import NamedTuple

from stream_app.definitions.features import NUMERIC
from stream_app.definitions.file import NONE, Definitions
from stream_app.features.reading import Features, read_features, reading_of
from stream_app.features.times import Times
from stream_app.features.user_row import Moment, UserRow
from stream_app.settings.rules import Rules

MAX_MOMENTS = 3
IDLE_HORIZONS = 4

# Features for predicting outcomes, in the order of stored moments. Rates and times since, but no totals: a
# young stream contains only small totals, which would mislead about users known for a long time.
OUTLOOK_FEATURES: tuple[str, ...] = (
    "recency_days",
    "inactive_days",
    "activity_rate",
    "active_streak_days",
    "session_gap_mean",
    "sessions_24h",
    "sessions_7d",
    "sessions_30d",
    "events_7d",
    "purchases_30d",
    "spending_rate",
    "funnel_stage",
    "cart_items",
)


class Outcome(NamedTuple):
    """The labels that became known after a moment, by target, and the features of that moment."""

    labels: dict[str, bool]
    made_at: float
    features: Features


def select(features: Features, definitions: Definitions = NONE) -> Features:
    """Select the features that outcome models see."""
    return {name: features[name] for name in outlook_names(definitions) if name in features}


@lru_cache(maxsize=16)
def outlook_names(definitions: Definitions) -> tuple[str, ...]:
    """Features for predicting outcomes: the product's own, and every number that a company declares."""
    declared = (
        series.name
        for feature in definitions.features
        if feature.aggregate in NUMERIC
        for series in feature.series
    )
    return (*OUTLOOK_FEATURES, *declared)


def note_moment(row: UserRow, at: float, rules: Rules) -> None:
    """Store the features as of event time `at`, if another moment is due.

    Users who have been idle for several horizons get no moments until they are active again, because they
    would outnumber all others.
    """
    next_at = next_moment_at(row)
    if next_at is None or at < next_at:
        return
    if at - row.last_at > IDLE_HORIZONS * rules.outlook_horizon:
        row.next_moment_at = 0.0
        return
    names = outlook_names(rules.definitions)
    features = read_features(row, at, reading=reading_of(frozenset(names), rules.definitions))
    values = [float(features.get(name, nan)) for name in OUTLOOK_FEATURES]
    declared = {name: float(features[name]) for name in names[len(values) :] if name in features}
    row.moments.append(Moment(at, pack(f"<{len(values)}f", *values), declared=declared))
    row.next_moment_at = at + rules.outlook_interval


def note_use(row: UserRow, at: float, is_purchase: bool, rules: Rules) -> None:
    """Note an action of the user at event time `at`."""
    for moment in row.moments:
        if moment.at < at <= moment.at + rules.outlook_horizon:
            moment.has_returned = True
            moment.has_bought = moment.has_bought or is_purchase


def merge(mine: Sequence[Moment], theirs: Sequence[Moment]) -> list[Moment]:
    """Merge the moments of two rows of one user in time order, as many as a row keeps.

    The same record may be a moment in both rows. They become one moment, so that its example's id is unique;
    it keeps the first row's features and the labels of both.
    """
    merged = {moment.at: moment for moment in mine}
    for moment in theirs:
        same = merged.setdefault(moment.at, moment)
        same.has_returned = same.has_returned or moment.has_returned
        same.has_bought = same.has_bought or moment.has_bought
    return [merged[at] for at in sorted(merged)][:MAX_MOMENTS]


def pop_due(row: UserRow, watermark: float, rules: Rules) -> list[Outcome]:
    """Remove the moments whose horizon the watermark has passed, and return their labels."""
    outcomes: list[Outcome] = []
    while row.moments and label_due_after(row.moments[0].at, rules) <= watermark:
        moment = row.moments.pop(0)
        values = unpack(f"<{len(moment.values) // 4}f", moment.values)
        known = zip(OUTLOOK_FEATURES, values, strict=False)  # one stored before a feature was added has fewer
        features: Features = {name: value for name, value in known if not isnan(value)}
        features |= moment.declared
        labels = {
            "will_return": moment.has_returned,
            "churn": not moment.has_returned,
            "purchase": moment.has_bought,
        }
        outcomes.append(Outcome(labels, moment.at, features))
    return outcomes


def label_due_after(made_at: Times, rules: Rules) -> Times:
    """The watermark at which a moment's labels are known."""
    return made_at + rules.outlook_horizon


def oldest_moment_at(row: UserRow) -> float | None:
    """The time of the oldest moment without labels; None if there is none."""
    return row.moments[0].at if row.moments else None


def next_moment_at(row: UserRow) -> float | None:
    """The time of the next moment; None if there is none, or no room for it."""
    return row.next_moment_at if row.next_moment_at and len(row.moments) < MAX_MOMENTS else None


def next_due(row: UserRow, rules: Rules) -> float | None:
    """The watermark at which a label or the next moment falls due; None if neither will."""
    made_at, next_at = oldest_moment_at(row), next_moment_at(row)
    if made_at is None:
        return next_at
    due = label_due_after(made_at, rules)
    return due if next_at is None else min(due, next_at)
