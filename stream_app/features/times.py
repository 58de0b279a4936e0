"""Event times, which rules accept one by one or, at a partition's start, for all users at once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Times = TypeVar("Times", float, NDArray[np.float64])
"""Epoch seconds: a single time, or an array in which NaN means none."""
