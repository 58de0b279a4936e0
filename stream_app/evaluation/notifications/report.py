"""What the closed loop comes to: every policy on the same people, off-policy estimates beside the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stream_app.evaluation.notifications.loop import Result, run, starter_campaign
from stream_app.evaluation.notifications.off_policy import estimate
from stream_app.evaluation.notifications.people import Life, Town
from stream_app.evaluation.notifications.policies import BestHour, ByTable, Oracle, Ours, Policy, Random
from stream_app.planning.campaigns import Campaign
from stream_app.simulation.settings import SimulationSettings

POLICIES = ("ours", "mapping", "best_hour", "random", "oracle")


def judge(
    users: int,
    days: int,
    seed: int,
    campaign: Campaign | None = None,
    show: Callable[[str, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """The report of `stream-app evaluate notifications`; `show` is told each policy and day."""
    campaign = campaign or starter_campaign()
    town = Town(SimulationSettings(users=users, days=days, seed=seed), campaign)
    makers: Mapping[str, Callable[[Life], Policy]] = {
        "ours": lambda _: Ours(campaign),
        "mapping": lambda _: ByTable(campaign),
        "best_hour": lambda _: BestHour(campaign),
        "random": lambda _: Random(campaign),
        "oracle": lambda life: Oracle(campaign, town, life, days),
    }
    results: dict[str, Result] = {}
    for name in POLICIES:
        passed = iter(range(1, days + 1))
        results[name] = run(town, campaign, days, makers[name], lambda: show(name, next(passed)))  # noqa: B023
    ours, random, oracle = (results[name].reward for name in ("ours", "random", "oracle"))
    return {
        "users": users,
        "days": days,
        "seed": seed,
        "policies": {name: results[name].figures() for name in POLICIES},
        "violations": results["ours"].violations,
        "captured_of_oracle": (ours - random) / (oracle - random) if oracle != random else 1.0,
        "off_policy": estimate(results["ours"].log) if results["ours"].log else {},
        "responses": town.responses.describe(),
    }
