import re
from pathlib import Path

import pytest

from stream_app.evaluation.notifications.report import POLICIES
from stream_app.simulation.responses import RANGES

DOCUMENT = (Path(__file__).parents[2] / "docs/simulation.md").read_text("utf-8")


def test_the_ranges_are_those_that_are_drawn_from() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (-?[\d.]+) \| (-?[\d.]+) \|$", DOCUMENT, re.MULTILINE)
    assert [name for name, _, _ in rows] == list(RANGES)
    for name, low, high in rows:
        assert (float(low), float(high)) == pytest.approx(
            RANGES[name], abs=1.0 if name == "personas" else 1e-9
        )


def test_every_strength_is_explained_before_the_table() -> None:
    prose = DOCUMENT.split("## The ranges")[0]
    assert [name for name in RANGES if f"`{name}`" not in prose] == []


def test_every_policy_is_described() -> None:
    assert [name for name in POLICIES if f"| `{name}` |" not in DOCUMENT] == []
