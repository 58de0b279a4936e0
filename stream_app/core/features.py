"""The named features of a user, read off the row as it stands at one event time."""

from __future__ import annotations

from stream_app.core import windows
from stream_app.core.calendar import local_time, streak
from stream_app.core.interests import FACETS, strongest_interest
from stream_app.core.rules import DAY, HOUR, LOYAL_USES
from stream_app.core.statistics import RunningStats, most_common
from stream_app.core.user_row import ACTIVITY_HALF_LIFE, SPENDING_HALF_LIFE, UserRow

Features = dict[str, float | str]

_PARTS_OF_DAY = (("night", 0, 6), ("morning", 6, 12), ("afternoon", 12, 18), ("evening", 18, 24))
_WINDOW_NAMES = tuple(
    (
        index,
        tuple(f"{name}_{window.name}" for name in windows.Sums._fields),
        f"mean_session_{window.name}",
        f"mean_purchase_{window.name}",
    )
    for index, window in enumerate(windows.WINDOWS)
)
_SHARE_NAMES = tuple(
    (f"top_{name}", f"top_{name}_share", f"distinct_{name}s")
    for name in ("device", "browser", "os", "country", "plan", "referrer")
)
_FACET_NAMES = tuple((f"top_{facet}", f"top_{facet}_affinity") for facet in FACETS)


def read_features(row: UserRow, at: float, loyal_uses: int = LOYAL_USES) -> Features:
    """Features at event time `at` (epoch seconds): durations in seconds, recency and tenure in days.

    A user is loyal from `loyal_uses` sessions on.

    A feature that has nothing to say (a mean of no sessions, an unknown device) is absent.
    """
    features: Features = {"active_days": row.active_days, "distinct_items": len(set(row.recent_items))}
    if row.first_at:
        features["recency_days"] = max(at - row.last_at, 0.0) / DAY
        features["tenure_days"] = max(at - row.first_at, 0.0) / DAY
        features["active_streak_days"] = streak(row.active_day_bits)
        features["inactive_days"] = max(local_time(at, row.time_zone).day - row.last_active_day, 0)
        features["activity_rate"] = row.activity.read(max(at, row.activity.at), ACTIVITY_HALF_LIFE)
    for name, kind in row.kinds.items():
        features["count_" + name] = kind.count
        features["days_since_" + name] = max(at - kind.last_at, 0.0) / DAY
    for name, kind in row.actions.items():
        features["count_action_" + name] = kind.count
        features["days_since_action_" + name] = max(at - kind.last_at, 0.0) / DAY
    _describe_use(features, row, loyal_uses)
    _describe_orders(features, row, at)
    for (top, share, distinct), shares in zip(
        _SHARE_NAMES,
        (row.devices, row.browsers, row.systems, row.countries, row.plans, row.referrers),
        strict=True,
    ):
        common = most_common(shares)
        if common is not None:
            features[top] = common
            features[share] = shares[common] / sum(shares.values())
            features[distinct] = len(shares)
    _describe_hours(features, row)
    _describe_windows(features, row, at)
    _describe_interests(features, row, at)
    for trait, known in row.traits.items():
        features[f"trait_{trait}"] = known
    return features


def _describe_use(features: Features, row: UserRow, loyal_uses: int) -> None:
    _describe_stats(features, "session_duration", row.session_durations)
    _describe_stats(features, "session_page_views", row.session_page_views)
    _describe_stats(features, "session_gap", row.session_gaps)
    uses = row.session_durations.count + len(row.open_sessions)
    features["uses"] = uses
    features["is_loyal"] = float(uses >= loyal_uses)
    features["has_returned"] = float(uses > 1)


def _describe_orders(features: Features, row: UserRow, at: float) -> None:
    funnel = row.funnel
    if funnel.stage:
        features["funnel_stage"] = funnel.stage
        features["cart_items"] = len(funnel.cart)
        features["hours_since_funnel_step"] = max(at - funnel.reached_at, 0.0) / HOUR
    orders = row.orders
    if orders.count:
        features["purchase_count"] = orders.count
        features["revenue_total"] = orders.total
        features["days_since_purchase"] = max(at - funnel.ordered_at, 0.0) / DAY
        features["spending_rate"] = row.spending.read(max(at, row.spending.at), SPENDING_HALF_LIFE)
        _describe_stats(features, "order", orders)


def _describe_stats(features: Features, name: str, stats: RunningStats) -> None:
    if not stats.count:
        return
    features[f"{name}_count"] = stats.count
    features[f"{name}_mean"] = stats.mean
    features[f"{name}_low"] = stats.low
    features[f"{name}_high"] = stats.high
    if stats.count > 1:
        features[f"{name}_deviation"] = stats.deviation


def _describe_hours(features: Features, row: UserRow) -> None:
    hours = row.hours
    total = sum(hours)
    if not total:
        return
    for name, first, last in _PARTS_OF_DAY:
        features[f"{name}_share"] = sum(hours[first:last]) / total
    features["weekend_share"] = sum(row.weekdays[5:]) / total
    features["top_hour"] = hours.index(max(hours))


def _describe_windows(features: Features, row: UserRow, at: float) -> None:
    for index, names, mean_session, mean_purchase in _WINDOW_NAMES:
        sums = windows.read(row.tiles, index, at)
        if sums is None:
            continue
        features.update([(name, value) for name, value in zip(names, sums, strict=True) if value])
        if sums.sessions:
            features[mean_session] = sums.duration / sums.sessions
        if sums.purchases:
            features[mean_purchase] = sums.revenue / sums.purchases


def _describe_interests(features: Features, row: UserRow, at: float) -> None:
    for facet, (top, affinity) in enumerate(_FACET_NAMES):
        strongest = strongest_interest(row.interests, facet, at)
        if strongest is not None:
            features[top], features[affinity] = strongest
