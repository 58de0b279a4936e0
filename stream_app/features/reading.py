"""The named features of a user, read from the row at a given event time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from math import isfinite
from typing import NamedTuple

from stream_app.definitions.file import NONE, Definitions
from stream_app.features import windows
from stream_app.features.calendar import local_time, streak
from stream_app.features.declared.engine import Engine, engine_of
from stream_app.features.interests import FACETS, strongest_interest
from stream_app.features.loyalty import count_uses, is_loyal
from stream_app.features.statistics import RunningStats, most_common
from stream_app.features.user_row import ACTIVITY_HALF_LIFE, SPENDING_HALF_LIFE, UserRow
from stream_app.settings.rules import DAY, HOUR, LOYAL_USES

Features = dict[str, float | str]

_PARTS_OF_DAY = (("night", 0, 6), ("morning", 6, 12), ("afternoon", 12, 18), ("evening", 18, 24))
TRAIT = "trait_"


class WindowNames(NamedTuple):
    """The names of one window's features."""

    sums: tuple[str, ...]
    mean_session: str
    mean_purchase: str


_WINDOW_NAMES = tuple(
    WindowNames(
        tuple(f"{name}_{window.name}" for name in windows.Sums._fields),
        f"mean_session_{window.name}",
        f"mean_purchase_{window.name}",
    )
    for window in windows.WINDOWS
)
_SHARE_NAMES = tuple(
    (f"top_{name}", f"top_{name}_share", f"distinct_{name}s")
    for name in ("device", "browser", "os", "country", "plan", "referrer")
)
_FACET_NAMES = tuple((f"top_{facet}", f"top_{facet}_affinity") for facet in FACETS)


class Group(NamedTuple):
    """Features that are read together; a name ending in `*` stands for all with that prefix.

    `plain_sums` are the features that are the sum of one cell over a window's tiles, with that cell.
    """

    names: tuple[str, ...]
    describe: Callable[[Features, UserRow, float, int], None]
    plain_sums: tuple[tuple[str, int], ...] = ()
    window: int = 0

    def holds_any(self, wanted: Collection[str]) -> bool:
        """Whether one of the wanted features is in this group."""
        return any(fnmatchcase(feature, name) for name in self.names for feature in wanted)

    def limited_to(self, wanted: Collection[str]) -> Group:
        """Read the wanted features, or a few more; plain sums are read by cell, for a third of the cost."""
        sums = tuple((name, cell) for name, cell in self.plain_sums if name in wanted)
        if len(sums) < len([name for name in self.names if name in wanted]) or not sums:
            return self
        return Group(tuple(dict(sums)), partial(_describe_sums, self.window, sums))


Reading = tuple[Group, ...]


def read_features(
    row: UserRow,
    at: float,
    loyal_uses: int = LOYAL_USES,
    reading: Reading | None = None,
    definitions: Definitions = NONE,
) -> Features:
    """Features at event time `at` (epoch seconds): durations in seconds, recency and tenure in days.

    A user is loyal from `loyal_uses` sessions on. `reading` (see `reading_of`) limits what is read; by
    default everything is, including what `definitions` declare.

    A feature without a value (a mean of no sessions, an unknown device) is absent.
    """
    features: Features = {}
    for group in reading_of(None, definitions) if reading is None else reading:
        group.describe(features, row, at, loyal_uses)
    return features


def finite(features: Features) -> Features:
    """The features without non-finite numbers, because sums of a row's largest numbers may overflow."""
    return {name: value for name, value in features.items() if isinstance(value, str) or isfinite(value)}


@lru_cache(maxsize=64)
def reading_of(wanted: frozenset[str] | None, definitions: Definitions = NONE) -> Reading:
    """The groups with the wanted features, possibly including others; all groups for None."""
    declared = _declared_groups(definitions, wanted)
    if wanted is None:
        return GROUPS + declared
    return tuple(group.limited_to(wanted) for group in GROUPS if group.holds_any(wanted)) + declared


def is_built_in(name: str) -> bool:
    """Whether a feature of the product's own has the name, or may have it."""
    return any(fnmatchcase(name, known) for group in GROUPS for known in group.names)


def _declared_groups(definitions: Definitions, wanted: frozenset[str] | None) -> Reading:
    names = engine_of(definitions).names(wanted)
    return (Group(names, partial(_describe_declared, engine_of(definitions), wanted)),) if names else ()


def _describe_declared(
    engine: Engine, wanted: frozenset[str] | None, features: Features, row: UserRow, at: float, _: int
) -> None:
    features.update(engine.read(row.declared, at, wanted))


def _describe_time(features: Features, row: UserRow, at: float, _: int) -> None:
    features["active_days"] = row.active_days
    features["distinct_items"] = len(set(row.recent_items))
    if row.first_at:
        features["recency_days"] = max(at - row.last_at, 0.0) / DAY
        features["tenure_days"] = max(at - row.first_at, 0.0) / DAY
        features["active_streak_days"] = streak(row.active_day_bits)
        features["inactive_days"] = max(local_time(at, row.time_zone).day - row.last_active_day, 0)
        features["activity_rate"] = row.activity.read(max(at, row.activity.at), ACTIVITY_HALF_LIFE)


def _describe_kinds(features: Features, row: UserRow, at: float, _: int) -> None:
    for name, kind in row.kinds.items():
        features["count_" + name] = kind.count
        features["days_since_" + name] = max(at - kind.last_at, 0.0) / DAY
    for name, kind in row.actions.items():
        features["count_action_" + name] = kind.count
        features["days_since_action_" + name] = max(at - kind.last_at, 0.0) / DAY


def _describe_shares(features: Features, row: UserRow, _at: float, _: int) -> None:
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


def _describe_use(features: Features, row: UserRow, _at: float, loyal_uses: int) -> None:
    _describe_stats(features, "session_duration", row.session_durations)
    _describe_stats(features, "session_page_views", row.session_page_views)
    _describe_stats(features, "session_gap", row.session_gaps)
    uses = count_uses(row)
    features["uses"] = uses
    features["is_loyal"] = float(is_loyal(uses, loyal_uses))
    features["has_returned"] = float(uses > 1)


def _describe_orders(features: Features, row: UserRow, at: float, _: int) -> None:
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


def _describe_hours(features: Features, row: UserRow, _at: float, _: int) -> None:
    hours = row.hours
    total = sum(hours)
    if not total:
        return
    for name, first, last in _PARTS_OF_DAY:
        features[f"{name}_share"] = sum(hours[first:last]) / total
    features["weekend_share"] = sum(row.weekdays[5:]) / total
    features["top_hour"] = hours.index(max(hours))


def _describe_window(
    index: int, names: WindowNames, features: Features, row: UserRow, at: float, _: int
) -> None:
    sums = windows.read(row.tiles, index, at)
    if sums is None:
        return
    features.update([(name, value) for name, value in zip(names.sums, sums, strict=True) if value])
    if sums.sessions:
        features[names.mean_session] = sums.duration / sums.sessions
    if sums.purchases:
        features[names.mean_purchase] = sums.revenue / sums.purchases


def _describe_sums(
    index: int, sums: tuple[tuple[str, int], ...], features: Features, row: UserRow, at: float, _: int
) -> None:
    covered = windows.covered(row.tiles, index, at)
    for name, cell in sums:
        value = sum([tile[cell] for tile in covered])
        if value:
            features[name] = value


def _describe_interests(features: Features, row: UserRow, at: float, _: int) -> None:
    for facet, (top, affinity) in enumerate(_FACET_NAMES):
        strongest = strongest_interest(row.interests, facet, at)
        if strongest is not None:
            features[top], features[affinity] = strongest


def _describe_traits(features: Features, row: UserRow, _at: float, _: int) -> None:
    for trait, known in row.traits.items():
        features[TRAIT + trait] = known


GROUPS: Reading = (
    Group(
        (
            "active_days",
            "distinct_items",
            "recency_days",
            "tenure_days",
            "active_streak_days",
            "inactive_days",
            "activity_rate",
        ),
        _describe_time,
    ),
    Group(("count_*", "days_since_*"), _describe_kinds),
    Group(("session_*", "uses", "is_loyal", "has_returned"), _describe_use),
    Group(
        (
            "funnel_stage",
            "cart_items",
            "hours_since_funnel_step",
            "purchase_count",
            "revenue_total",
            "days_since_purchase",
            "spending_rate",
            "order_*",
        ),
        _describe_orders,
    ),
    Group(tuple(name for names in _SHARE_NAMES for name in names), _describe_shares),
    Group((*(f"{name}_share" for name, _, _ in _PARTS_OF_DAY), "weekend_share", "top_hour"), _describe_hours),
    *(
        Group(
            (*names.sums, names.mean_session, names.mean_purchase),
            partial(_describe_window, index, names),
            plain_sums=tuple(zip(names.sums, windows.PLAIN_SUMS, strict=False)),
            window=index,
        )
        for index, names in enumerate(_WINDOW_NAMES)
    ),
    Group(tuple(name for names in _FACET_NAMES for name in names), _describe_interests),
    Group((TRAIT + "*",), _describe_traits),
)
