"""The named features of a user as they should be at one time, from all events that the oracle kept."""

from collections.abc import Sequence
from statistics import fmean, stdev

from properties.features.oracle import recomputed
from properties.features.oracle.every_event import History
from properties.features.oracle.funnel_steps import progress_of
from properties.features.oracle.visits import Visits
from properties.features.oracle.window_sums import estimate, happened

from stream_app.features.user_row import ACTIVITY_HALF_LIFE, SPENDING_HALF_LIFE
from stream_app.features.windows import WINDOWS

DAY, HOUR = 86_400.0, 3_600.0
FACETS = ("category", "brand", "tag", "search", "field")
Features = dict[str, float | str]


def expected_features(history: History, visits: Visits, at: float) -> Features:
    """All features at a time that is not before the user's last use."""
    return {
        **_recency(history, at),
        **_counts(history, at),
        **_sessions(visits),
        **_orders(history, at),
        **_shares(history),
        **_windows(history, visits, at),
        **_interests(history, at),
        **{f"trait_{name}": value for name, value in _traits(history).items()},
    }


def _recency(history: History, at: float) -> Features:
    features: Features = {"active_days": 0, "distinct_items": len(set(recomputed.recent_items(history)))}
    times = [kept.at for kept in history.uses]
    if not times:
        return features
    local_times = recomputed.local_times(history)
    days = {recomputed.day_number(moment) for moment in local_times}
    today = recomputed.day_number(recomputed.local(at, recomputed.zone_of(history, history.kept[-1].offset)))
    total = len(times)
    hours = [moment.hour for moment in local_times]
    parts = {"night": range(6), "morning": range(6, 12), "afternoon": range(12, 18), "evening": range(18, 24)}
    features |= {
        "active_days": len(days),
        "active_streak_days": recomputed.streak_of(days),
        "inactive_days": max(today - max(days), 0),
        "recency_days": (at - max(times)) / DAY,
        "tenure_days": (at - min(times)) / DAY,
        "activity_rate": recomputed.decayed(
            [(1.0, kept.at) for kept in history.single_uses], at, ACTIVITY_HALF_LIFE
        ),
        **{f"{name}_share": sum(hour in part for hour in hours) / total for name, part in parts.items()},
        "weekend_share": sum(moment.weekday() >= 5 for moment in local_times) / total,
        "top_hour": max(sorted(set(hours)), key=hours.count),
    }
    return features


def _counts(history: History, at: float) -> Features:
    features: Features = {}
    for prefix, dated in (("", recomputed.kinds_of(history)), ("action_", recomputed.actions_of(history))):
        for name, (count, last_at) in dated.items():
            features[f"count_{prefix}{name}"] = count
            features[f"days_since_{prefix}{name}"] = max(at - last_at, 0.0) / DAY
    return features


def _sessions(visits: Visits) -> Features:
    uses = len(visits.closed) + len(visits.open)
    return {
        **_stats("session_duration", [session.duration for session in visits.closed]),
        **_stats("session_page_views", [session.page_views for session in visits.closed]),
        **_stats("session_gap", visits.pauses),
        "uses": uses,
        "is_loyal": float(uses >= 3),
        "has_returned": float(uses >= 2),
    }


def _orders(history: History, at: float) -> Features:
    features: Features = {}
    progress, orders = progress_of(history), recomputed.orders_of(history)
    if progress.stage:
        features["funnel_stage"] = progress.stage
        features["cart_items"] = len(progress.cart)
        features["hours_since_funnel_step"] = (at - progress.reached_at) / HOUR
    if orders:
        revenues = [revenue for revenue, _ in orders]
        features |= _stats("order", revenues)
        features["purchase_count"] = len(orders)
        features["revenue_total"] = sum(revenues)
        features["days_since_purchase"] = (at - max(ordered_at for _, ordered_at in orders)) / DAY
        features["spending_rate"] = recomputed.decayed(orders, at, SPENDING_HALF_LIFE)
    return features


def _shares(history: History) -> Features:
    features: Features = {}
    for named in ("device", "browser", "os", "country", "plan", "referrer"):
        shares = recomputed.shares_of(history, named)
        if shares:
            top = min(shares, key=lambda name: (-shares[name], name))
            features[f"top_{named}"] = top
            features[f"top_{named}_share"] = shares[top] / shares.total()
            features[f"distinct_{named}s"] = len(shares)
    return features


def _windows(history: History, visits: Visits, at: float) -> Features:
    features: Features = {}
    for window in WINDOWS:
        found = happened(history, visits, window, at)
        named: Features = {f"{name}_{window.name}": value for name, value in found._asdict().items()}
        named[f"distinct_pages_{window.name}"] = estimate(found.pages)
        named[f"distinct_items_{window.name}"] = estimate(found.items)
        del named[f"pages_{window.name}"], named[f"items_{window.name}"]
        features |= {name: value for name, value in named.items() if value}
        if found.sessions:
            features[f"mean_session_{window.name}"] = found.duration / found.sessions
        if found.purchases:
            features[f"mean_purchase_{window.name}"] = found.revenue / found.purchases
    return features


def undecided(history: History, at: float) -> set[str]:
    """Features that the rounding of sums may decide, because two names are as strong as each other."""
    names: set[str] = set()
    for facet, name in enumerate(FACETS):
        known = recomputed.InterestOracle(history, facet)
        affinities = known.affinities(at)
        highest = max(affinities.values(), default=0.0)
        tops = [known.held[held] for held, strength in affinities.items() if strength > highest * (1 - 1e-9)]
        if not known.is_decided or any(top != tops[0] for top in tops):
            names |= {f"top_{name}", f"top_{name}_affinity"}
    return names


def _interests(history: History, at: float) -> Features:
    features: Features = {}
    for facet, name in enumerate(FACETS):
        affinities = recomputed.InterestOracle(history, facet).affinities(at)
        if affinities:
            features[f"top_{name}"] = min(affinities, key=lambda held: (-affinities[held], held))
            features[f"top_{name}_affinity"] = max(affinities.values())
    return features


def _traits(history: History) -> Features:
    return recomputed.traits_of(history, history.kept[-1].offset) if history.kept else {}


def _stats(name: str, values: Sequence[float]) -> Features:
    if not values:
        return {}
    features: Features = {
        f"{name}_count": len(values),
        f"{name}_mean": fmean(values),
        f"{name}_low": min(values),
        f"{name}_high": max(values),
    }
    return features | ({f"{name}_deviation": stdev(values)} if len(values) > 1 else {})
