"""Named features of one example, and their columns in a matrix."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Features = Mapping[str, float | str]
Label = int | str
Matrix = NDArray[np.float32]


def visible(x: Features, patterns: tuple[str, ...]) -> Features:
    """Return the features whose names match a pattern (`*` matches anything); without patterns, all."""
    return {name: x[name] for name in x if _matches(name, patterns)} if patterns else x


@lru_cache(maxsize=8_192)
def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Columns:
    """Which column of a matrix each feature has; strings get one column per category.

    Columns are assigned in the order in which features are first seen, at most `most_columns` in all and
    `most_categories` per feature, so that a free-text feature cannot grow them without bound.
    """

    def __init__(self, most_columns: int = 256, most_categories: int = 24) -> None:
        self.most_columns = most_columns
        self.most_categories = most_categories
        self.features: list[str] = []
        self._places: dict[str | tuple[str, str], int] = {}
        self._categories: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self.features)

    @property
    def names(self) -> list[str]:
        """One name per column: `age`, or `browser=Firefox` for a category."""
        return [key if isinstance(key, str) else "=".join(key) for key in self._places]

    @property
    def categorical(self) -> NDArray[np.bool_]:
        """True for the columns that mark a category."""
        return np.array([not isinstance(key, str) for key in self._places], dtype=np.bool_)

    def meet(self, x: Features) -> None:
        """Assign columns to features that have none yet."""
        for name, value in x.items():
            key = _key(name, value)
            if key in self._places or len(self) >= self.most_columns:
                continue
            if isinstance(value, str):
                if self._categories[name] >= self.most_categories:
                    continue
                self._categories[name] += 1
            self._places[key] = len(self)
            self.features.append(name)

    def rows(self, xs: Sequence[Features]) -> Matrix:
        """Return (len(xs), len(self)) values: NaN where a number is missing, 0/1 for categories."""
        empty = [math.nan if isinstance(key, str) else 0.0 for key in self._places]
        rows = []
        for x in xs:
            row = empty.copy()
            for name, value in x.items():
                place = self._places.get(_key(name, value))
                if place is not None:
                    row[place] = 1.0 if isinstance(value, str) else value
            rows.append(row)
        return np.array(rows, dtype=np.float32).reshape(len(xs), len(empty))

    def example(self, row: Matrix) -> Features:
        """Return the example that a row (len(self),) holds."""
        return {
            key if isinstance(key, str) else key[0]: value if isinstance(key, str) else key[1]
            for key, value in zip(self._places, row.tolist(), strict=True)
            if (math.isfinite(value) if isinstance(key, str) else value)
        }

    def keep(self, columns: Iterable[int]) -> "Columns":
        """Return only the chosen columns, numbered from 0 in the given order."""
        keys = list(self._places)
        kept = Columns(self.most_columns, self.most_categories)
        kept._places = {keys[column]: place for place, column in enumerate(columns)}
        kept.features = [key if isinstance(key, str) else key[0] for key in kept._places]
        return kept


def filled(rows: Matrix, missing: NDArray[np.float32] | None = None) -> tuple[Matrix, NDArray[np.float32]]:
    """Fill unknown numbers with `missing`, or by default each column's median; return rows and medians."""
    known = np.isfinite(rows)
    if missing is None:
        medians = [
            np.median(column[k]) if k.any() else 0.0 for column, k in zip(rows.T, known.T, strict=True)
        ]
        missing = np.array(medians, dtype=np.float32)
    return np.where(known, rows, missing), missing


def _key(name: str, value: float | str) -> str | tuple[str, str]:
    return (name, value) if isinstance(value, str) else name
