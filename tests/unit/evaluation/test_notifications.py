"""The closed loop on a few people: its report, its rules, and that estimates hold what they claim."""

from typing import Any

import numpy as np
import pytest

from stream_app.evaluation.notifications.audit import Audit, Receiver
from stream_app.evaluation.notifications.loop import starter_campaign
from stream_app.evaluation.notifications.off_policy import Logged, estimate
from stream_app.evaluation.notifications.report import POLICIES, judge
from stream_app.planning.segments import Segment

FIGURES = {"sends", "opens", "open_rate", "opt_outs", "returns", "purchases", "reward"}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return judge(users=120, days=21, seed=5)


def test_the_report_has_its_keys(report: dict[str, Any]) -> None:
    assert tuple(report["policies"]) == POLICIES
    assert all(set(figures) == FIGURES for figures in report["policies"].values())
    assert set(report["violations"]) == {"quiet_hours", "caps", "consent", "control"}
    assert set(report["off_policy"]) == {"ips", "snips", "dr"}
    assert all(set(each) == {"estimate", "low", "high", "truth"} for each in report["off_policy"].values())
    assert isinstance(report["captured_of_oracle"], float)


def test_no_rule_is_broken_and_everybody_sends(report: dict[str, Any]) -> None:
    assert set(report["violations"].values()) == {0}
    assert all(figures["sends"] > 100 for figures in report["policies"].values())


def test_who_knows_the_habits_does_better_than_who_learns_and_he_than_chance(report: dict[str, Any]) -> None:
    ours, random, oracle = (report["policies"][name] for name in ("ours", "random", "oracle"))
    assert oracle["reward"] > ours["reward"] > random["reward"]
    assert ours["open_rate"] > random["open_rate"]


def test_the_same_seed_gives_the_same_report_and_another_another(report: dict[str, Any]) -> None:
    assert judge(users=120, days=21, seed=5) == report
    assert judge(users=120, days=21, seed=6)["policies"] != report["policies"]


@pytest.mark.parametrize(
    ("kind", "at", "change", "broken"),
    [
        ("Newsletters", 1_772_452_800.0, {}, set()),  # noon in London
        ("Newsletters", 1_772_496_000.0, {}, {"quiet_hours"}),
        ("Newsletters", 1_772_452_800.0, {"may_market": False}, {"consent"}),
        ("Newsletters", 1_772_452_800.0, {"is_control": True}, {"control"}),
    ],
)
def test_the_audit_sees_what_is_broken(
    kind: str, at: float, change: dict[str, bool], broken: set[str]
) -> None:
    audit = Audit(starter_campaign())
    receiver = Receiver("Europe/London", Segment.LOST, may_market=True, is_control=False)
    audit.note("u", kind, at, receiver._replace(**change))
    assert {name for name, count in audit.violations.items() if count} == broken
    audit.note("u", kind, at + 60, receiver)
    assert audit.violations["caps"] == 1


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    draw = np.random.default_rng(11)
    held = dict.fromkeys(("ips", "snips", "dr"), 0)
    for _ in range(200):
        log = []
        for _ in range(600):
            chances = draw.uniform(0.02, 0.4, 4)
            propensities = np.array([0.1, 0.2, 0.3, 0.4])
            chosen = draw.choice(4, p=propensities)
            guess = chances + draw.normal(0, 0.05, 4)
            weight = 1 / propensities[3] if chosen == 3 else 0.0
            opened = float(draw.random() < chances[chosen])
            log.append(Logged(weight, opened, guess[chosen], guess[3], chances[3]))
        for method, found in estimate(log).items():
            held[method] += found["low"] <= found["truth"] <= found["high"]
    assert all(count >= 176 for count in held.values()), held
