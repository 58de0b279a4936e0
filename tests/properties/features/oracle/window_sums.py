"""Windows by the oracle: all that happened in the span that a window covers at one time."""

from math import log
from typing import NamedTuple
from zlib import crc32

from properties.features.oracle.every_event import History
from properties.features.oracle.facts import item_of, page_of, revenue_of
from properties.features.oracle.visits import Visits

from stream_app.features.windows import Window


class Happened(NamedTuple):
    """The sums of one window; what there is none of is 0."""

    events: int
    page_views: int
    actions: int
    sessions: int
    purchases: int
    duration: float
    revenue: float
    shortest_session: float
    longest_session: float
    smallest_purchase: float
    largest_purchase: float
    pages: set[str]
    items: set[str]


def covered_since(window: Window, at: float) -> tuple[float, float]:
    """What a sawtooth window covers: the current hop, and the hops of one span before it."""
    begun = at // window.hop * window.hop
    return begun - window.span, begun + window.hop


def happened(history: History, visits: Visits, window: Window, at: float) -> Happened:
    """Sum up one window as it stands at a time that is not before the user's last use."""
    start, end = covered_since(window, at)
    uses = [kept for kept in history.single_uses if start <= kept.at < end]
    orders = [revenue_of(kept) for kept in uses if kept.action == "Order Completed"]
    durations = [session.duration for session in visits.closed if start <= session.end < end]
    pages = {page for page in map(page_of, uses) if page is not None}
    items = {item for item in (item_of(kept.properties) for kept in uses) if item is not None}
    return Happened(
        len(uses),
        sum(kept.is_view for kept in uses)
        + sum(count for told_at, count in visits.told_views if start <= told_at < end),
        sum(not kept.is_view for kept in uses),
        len(durations),
        len(orders),
        sum(durations),
        sum(orders),
        min(durations, default=0.0),
        max(durations, default=0.0),
        min(orders, default=0.0),
        max(orders, default=0.0),
        pages,
        items,
    )


def estimate(values: set[str]) -> float:
    """Linear counting in 64 bits, of which the first six bits of a value's CRC-32 choose one.

    With all bits set, the estimate is that of one bit's share short of it, as far as it can tell.
    """
    clear = 64 - len({crc32(value.encode()) // 2**26 for value in values})
    return 64 * log(64 / clear) if clear else 64 * log(64)
