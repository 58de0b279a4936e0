"""What another way of choosing would have brought, from logged probabilities alone.

The other way: always the type with the highest score, at the same moments. Its worth is the mean of
openings, estimated from what was sent by inverse propensities (IPS), the same divided by the weights' sum
(SNIPS), and doubly robust with the model's chances of the time (DR). All that an estimate uses of a decision
was fixed before its answer, so errors are martingale differences and a normal interval holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Logged:
    """One decision that was sent: `weight` is 1/propensity where both ways agree on the type, else 0."""

    weight: float
    opened: float
    foreseen: float
    foreseen_other: float
    truth_other: float


def estimate(log: list[Logged]) -> dict[str, dict[str, float]]:
    """Estimate, 95 % interval and truth by method; the log is not empty."""
    columns = np.array(
        [[each.weight, each.opened, each.foreseen, each.foreseen_other, each.truth_other] for each in log]
    )
    weight, opened, foreseen, other, truth = columns.T
    ips = weight * opened
    snips = float(ips.sum() / max(weight.sum(), 1e-12))
    robust = other + weight * (opened - foreseen)
    # The ratio's error to first order.
    residual = snips + weight * (opened - snips) / max(float(weight.mean()), 1e-12)
    found = {
        "ips": (float(ips.mean()), ips),
        "snips": (snips, residual),
        "dr": (float(robust.mean()), robust),
    }
    report = {}
    for method, (value, terms) in found.items():
        error = Z_95 * float(terms.std(ddof=1)) / sqrt(len(log)) if len(log) > 1 else float("inf")
        report[method] = {
            "estimate": value,
            "low": value - error,
            "high": value + error,
            "truth": float(truth.mean()),
        }
    return report
