"""Numbers as people read them."""

from __future__ import annotations

from math import floor, log10


def share(value: float) -> str:
    """A share of one in percent: 12 %, or 0.4 % where it is small."""
    percent = 100 * value
    return f"{percent:.1f} %" if 0 < abs(percent) < 10 else f"{percent:.0f} %"


def signed_share(value: float) -> str:
    """A difference between shares, in percentage points."""
    return f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def plain(value: object) -> str:
    """A count, or a measure with three digits; texts as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == floor(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


LEAST = 1e-9  # anything smaller is nothing, on an axis


def ceiling(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten: where an axis ends."""
    if value < LEAST:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999999)
