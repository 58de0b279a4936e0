"""Bounds for the numbers that learners see, so that a single wild value has no effect."""

from array import array
from collections.abc import Mapping
from math import copysign, inf, isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_app.models.features import Columns, Features, Matrix

FIRST_AT = 20
GROWTH = 1.5
MOST_APART = 1_000
LEAST_KNOWN = 10
TAIL = 0.05  # on either side; a larger share of a feature's values must be wild to move its fences
LARGEST = float(np.finfo(np.float32).max)


class Fence(NamedTuple):
    """Numbers from `low` to `high` pass unchanged; beyond, they approach `reach` from the nearer end.

    `mean` and `deviation` are those of past examples, after bounding.
    """

    low: float
    high: float
    reach: float
    mean: float = 0.0
    deviation: float = 1.0

    def curb(self, value: float) -> float:
        """Return an incoming number as learners see it."""
        nearer = self.low if value < self.low else self.high
        return nearer + copysign(self.reach / (1.0 + self.reach / abs(value - nearer)), value - nearer)

    def curb_all(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return any numbers as learners see them; NaN stays NaN."""
        inside = np.clip(values, self.low, self.high)
        with np.errstate(divide="ignore"):
            curbed = self.reach / (1.0 + self.reach / np.abs(values - inside))
        return inside + np.sign(values - inside) * curbed


class Bounds:
    """One fence per feature, computed from the values of past examples.

    A fence lies one width beyond the 5th and the 95th percentile, where the width r is the distance between
    the two (1 if they are equal). Beyond the fence, a distance d becomes r d / (r + d): order is kept, and
    nothing lies further out than two widths (winsorising with a soft knee; Tukey, 1962). Percentiles move
    little while fewer than one value in twenty is wild. A number that fewer than `LEAST_KNOWN` examples have
    is withheld, because its usual range is unknown.
    """

    def __init__(self, fences: Mapping[str, Fence]) -> None:
        self._fences = dict(fences)

    @classmethod
    def of(cls, columns: Columns, rows: Matrix) -> "Bounds":
        """Return the fences for past examples; `rows` is (examples, columns), NaN where unknown."""
        fences = {}
        for name, is_category, column in zip(columns.names, columns.categorical, rows.T, strict=True):
            if is_category:
                continue
            known = column[np.isfinite(column)].astype(np.float64)
            if len(known) >= LEAST_KNOWN:
                low, high = np.quantile(known, (TAIL, 1 - TAIL)).tolist()
                width = (high - low) or 1.0
                fence = Fence(low - width, high + width, width)
                passed = fence.curb_all(known)
                fences[name] = fence._replace(mean=float(passed.mean()), deviation=float(passed.std()))
        return cls(fences)

    def standardised(self, name: str, value: float) -> float:
        """Return a squashed number in deviations from the mean; 0 if nothing varied."""
        fence = self._fences.get(name)
        return (value - fence.mean) / fence.deviation if fence is not None and fence.deviation else 0.0

    def squash(self, x: Features) -> dict[str, float | str]:
        """Return what learners may see of an example; numbers are rounded to float32."""
        fence_of, texts, numbers = self._fences.get, {}, {}
        for name, value in x.items():
            if isinstance(value, str):
                texts[name] = value
            elif (fence := fence_of(name)) is not None:
                low, high, *_ = fence
                if low <= value <= high:
                    numbers[name] = value
                elif isfinite(value):
                    numbers[name] = fence.curb(value)
        return _rounded(x, numbers, texts)

    def squash_rows(self, columns: Columns, rows: Matrix) -> Matrix:
        """Return (examples, columns) as `squash` would leave them; NaN where a number is withheld."""
        squashed = rows.copy()
        for place, (name, is_category) in enumerate(zip(columns.names, columns.categorical, strict=True)):
            if is_category:
                continue
            if (fence := self._fences.get(name)) is None:
                squashed[:, place] = np.nan
                continue
            squashed[:, place] = np.clip(fence.curb_all(rows[:, place].astype(np.float64)), -LARGEST, LARGEST)
        return squashed


def rounded(x: Features) -> dict[str, float | str]:
    """Return the example with its numbers rounded to float32; numbers that are not finite are left out."""
    texts = {name: value for name, value in x.items() if isinstance(value, str)}
    numbers = {name: value for name, value in x.items() if not isinstance(value, str) and isfinite(value)}
    return _rounded(x, numbers, texts)


def due_after(seen: int) -> int:
    """Return the number of examples at which fences computed at `seen` are computed again."""
    return FIRST_AT if seen < FIRST_AT else seen + min(max(1, int(seen * (GROWTH - 1))), MOST_APART)


def _rounded(x: Features, numbers: Mapping[str, float], texts: Mapping[str, str]) -> dict[str, float | str]:
    """Return numbers rounded to float32, and texts, in the order of the example."""
    singles = array("f", numbers.values()).tolist()
    if inf in singles or -inf in singles:
        singles = [min(max(value, -LARGEST), LARGEST) for value in singles]
    seen: dict[str, float | str] = dict(zip(numbers, singles, strict=True))
    if not texts:
        return seen
    seen |= texts
    return {name: seen[name] for name in x if name in seen}
