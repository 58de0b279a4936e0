"""What is associated with retention and engagement in a data folder, for machines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from stream_app.evaluation.driver_cases import DIMENSIONS, Cases, collect_cases
from stream_app.evaluation.driver_outcome import Outcome
from stream_app.models.insight.drivers import Driver, feature_drivers, group_drivers, overall_rate
from stream_app.models.judging.intervals import Rate
from stream_app.runtimes.embedded.store import Store


def find_drivers(
    store: Store, outcomes: Sequence[Outcome], top: int, tier_targets: Collection[str]
) -> dict[Outcome, tuple[Cases, dict[str, list[Driver]]]]:
    """For each outcome of which the folder has cases: these, and at most `top` drivers by dimension."""
    gathered = {outcome: collect_cases(store, outcome, tier_targets) for outcome in outcomes}
    return {outcome: (known, _report(known, top)) for outcome, known in gathered.items() if known.cases}


def describe_drivers(known: Cases, report: dict[str, list[Driver]]) -> dict[str, Any]:
    """What the outcome means, how often it came true, and by dimension what goes with it."""
    return {
        "meaning": known.meaning,
        "rate": _describe_rate(overall_rate(known.cases)),
        "drivers": {
            dimension: [
                {
                    "name": driver.name,
                    "inside": _describe_rate(driver.inside),
                    "outside": _describe_rate(driver.outside),
                    "effect": driver.effect,
                    "effect_interval": driver.effect_interval,
                }
                for driver in found
            ]
            for dimension, found in report.items()
        },
    }


def _report(known: Cases, top: int) -> dict[str, list[Driver]]:
    report = {"overall": feature_drivers(known.cases)[:top]}
    return report | {dimension: group_drivers(known.cases, dimension)[:top] for dimension in DIMENSIONS}


def _describe_rate(rate: Rate) -> dict[str, Any]:
    return {"hits": rate.hits, "total": rate.total, "share": rate.share, "interval": rate.interval}
