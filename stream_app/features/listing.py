"""Every feature of the product's own, listed as declared ones are; tests hold it to what is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stream_app.definitions.file import Definitions
from stream_app.features.declared.bounds import sizes
from stream_app.features.windows import WINDOWS


class Listed(NamedTuple):
    """A feature: its name (`*` stands for anything), what it is, its unit, aggregate and windows.

    `most_bytes` is what a declared one takes of a row at most, over all its windows; 0 for the product's own.
    """

    name: str
    about: str
    unit: str
    aggregate: str
    windows: tuple[str, ...]
    origin: str
    most_bytes: int = 0


_WINDOWS = tuple(window.name for window in WINDOWS)
_ALL_TIME = ("lifetime",)
_WINDOWED = (
    ("events", "page views and acts", "", "count"),
    ("page_views", "pages and screens viewed", "", "count"),
    ("actions", "acts (track events)", "", "count"),
    ("sessions", "sessions that ended", "", "count"),
    ("purchases", "completed orders", "", "count"),
    ("duration", "time in sessions that ended", "s", "sum"),
    ("mean_session", "length of a session", "s", "mean"),
    ("shortest_session", "shortest session", "s", "least"),
    ("longest_session", "longest session", "s", "greatest"),
    ("revenue", "revenue of orders", "currency", "sum"),
    ("mean_purchase", "revenue of an order", "currency", "mean"),
    ("smallest_purchase", "smallest order", "currency", "least"),
    ("largest_purchase", "largest order", "currency", "greatest"),
    ("distinct_pages", "different pages", "", "distinct"),
    ("distinct_items", "different items", "", "distinct"),
)
_STATISTICS = (
    ("count", "number of {}s", "", "count"),
    ("mean", "mean {}", None, "mean"),
    ("low", "least {}", None, "least"),
    ("high", "greatest {}", None, "greatest"),
    ("deviation", "standard deviation of a {}", None, "deviation"),
)
_SURROUNDINGS = ("device", "browser", "os", "country", "plan", "referrer")
_FACETS = ("category", "brand", "tag", "search", "field")
_OF_ALL_TIME = (
    ("count_*", "events of a type, observation or action", "", "count"),
    ("days_since_*", "time since the newest event of that kind", "days", "time since"),
    ("distinct_items", "different items among the last 20", "", "distinct"),
    ("recency_days", "time since the last use", "days", "time since"),
    ("tenure_days", "time since the first use", "days", "time since"),
    ("active_days", "days with a use", "days", "count"),
    ("active_streak_days", "days in a row with a use, up to the last", "days", "streak"),
    ("inactive_days", "days since the last with a use", "days", "time since"),
    ("activity_rate", "uses, with a half-life of 7 days", "", "decayed rate"),
    ("uses", "sessions, the open ones among them", "", "count"),
    ("is_loyal", "whether there are three uses or more", "", "code"),
    ("has_returned", "whether there is more than one use", "", "code"),
    ("purchase_count", "completed orders", "", "count"),
    ("revenue_total", "revenue of all orders", "currency", "sum"),
    ("days_since_purchase", "time since the last order", "days", "time since"),
    ("spending_rate", "revenue, with a half-life of 30 days", "currency", "decayed rate"),
    ("funnel_stage", "1 looked, 2 cart, 3 checkout, 4 bought", "", "code"),
    ("cart_items", "items in the cart", "", "code"),
    ("hours_since_funnel_step", "time since the last step", "h", "time since"),
    ("night_share", "share of uses from 0 to 6 o'clock", "", "share"),
    ("morning_share", "share of uses from 6 to 12 o'clock", "", "share"),
    ("afternoon_share", "share of uses from 12 to 18 o'clock", "", "share"),
    ("evening_share", "share of uses from 18 to 24 o'clock", "", "share"),
    ("weekend_share", "share of uses on Saturdays and Sundays", "", "share"),
    ("top_hour", "hour of the day with the most uses", "h", "most frequent"),
    ("trait_*", "what the company says of the user", "", "last"),
)


def built_in_features() -> Iterator[Listed]:
    """The product's own features, by name."""
    own = "built in"
    for name, about, unit, aggregate in _WINDOWED:
        yield Listed(name, about, unit, aggregate, _WINDOWS, own)
    for name, about, unit, aggregate in _OF_ALL_TIME:
        yield Listed(name, about, unit, aggregate, _ALL_TIME, own)
    for prefix, what, unit in (
        ("session_duration", "length of a session", "s"),
        ("session_page_views", "number of a session's page views", ""),
        ("session_gap", "time between two sessions", "s"),
        ("order", "order's revenue", "currency"),
    ):
        for suffix, about, its_unit, aggregate in _STATISTICS:
            shown = unit if its_unit is None else its_unit
            yield Listed(f"{prefix}_{suffix}", about.format(what), shown, aggregate, _ALL_TIME, own)
    for name in _SURROUNDINGS:
        yield Listed(f"top_{name}", f"most frequent {name}", "", "most frequent", _ALL_TIME, own)
        yield Listed(f"top_{name}_share", "its share of uses", "", "share", _ALL_TIME, own)
        yield Listed(f"distinct_{name}s", f"different values of {name}", "", "distinct", _ALL_TIME, own)
    for name in _FACETS:
        yield Listed(f"top_{name}", f"strongest interest in a {name}", "", "most frequent", _ALL_TIME, own)
        about = "how strong it is, with a half-life of 14 days"
        yield Listed(f"top_{name}_affinity", about, "", "decayed rate", _ALL_TIME, own)


def declared_features(definitions: Definitions) -> Iterator[Listed]:
    """The features that a company declares, in the order of its file."""
    bytes_of: dict[str, int] = {}
    for series in sizes(definitions):
        bytes_of[series.feature] = bytes_of.get(series.feature, 0) + series.most_bytes
    for feature in definitions.features:
        aggregate = feature.aggregate.replace("_", " ")
        size = bytes_of[feature.name]
        yield Listed(feature.name, feature.about, feature.unit, aggregate, feature.windows, "declared", size)
