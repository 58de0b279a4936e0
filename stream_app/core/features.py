"""The named features of a user, read off the row as it stands at one event time."""

from __future__ import annotations

from stream_app.core import windows
from stream_app.core.rules import DAY
from stream_app.core.statistics import RunningStats, Shares, most_common
from stream_app.core.user_row import UserRow

Features = dict[str, float | str]


def read_features(row: UserRow, at: float) -> Features:
    """Features at event time `at` (epoch seconds): durations in seconds, recency and tenure in days.

    A feature that has nothing to say (a mean of no sessions, an unknown device) is absent.
    """
    features: Features = {
        "active_days": row.active_days,
        "distinct_items": len(set(row.recent_items)),
    }
    if row.counts:
        features["recency_days"] = max(at - row.last_at, 0.0) / DAY
        features["tenure_days"] = max(at - row.first_at, 0.0) / DAY
    for event_type, count in row.counts.items():
        features[f"count_{event_type}"] = count
    _describe_stats(features, "session_duration", row.session_durations)
    _describe_stats(features, "session_page_views", row.session_page_views)
    _describe_stats(features, "session_gap", row.session_gaps)
    for name, shares in (
        ("device", row.devices),
        ("browser", row.browsers),
        ("os", row.systems),
        ("country", row.countries),
    ):
        _describe_shares(features, name, shares)
    for index, window in enumerate(windows.WINDOWS):
        measures = windows.read(row.tiles, index, at)
        for measure, value in zip(measures._fields, measures, strict=True):
            if value:
                features[f"{measure}_{window.name}"] = value
    for trait, known in row.traits.items():
        features[f"trait_{trait}"] = known
    return features


def _describe_stats(features: Features, name: str, stats: RunningStats) -> None:
    if not stats.count:
        return
    features[f"{name}_count"] = stats.count
    features[f"{name}_mean"] = stats.mean
    features[f"{name}_low"] = stats.low
    features[f"{name}_high"] = stats.high
    if stats.count > 1:
        features[f"{name}_deviation"] = stats.deviation


def _describe_shares(features: Features, name: str, shares: Shares) -> None:
    common = most_common(shares)
    if common is None:
        return
    features[f"top_{name}"] = common
    total = sum(shares.values())
    features[f"top_{name}_share"] = shares[common] / total
    features[f"distinct_{name}s"] = len(shares)
