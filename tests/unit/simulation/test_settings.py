from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from stream_app.simulation.settings import SimulationSettings, read_settings
from stream_app.simulation.writer import write_simulation


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"users": 0}, "users=0: write a whole number from 1"),
        ({"users": 2.5}, "whole number"),
        ({"days": -1}, "days=-1: write a whole number from 1"),
        ({"seed": True}, "seed=True: write a whole number"),
        ({"items": 3}, "items=3: write a whole number from 24"),
        ({"late_share": 0.9}, "late_share=0.9: write a share from 0 to 0.25"),
        ({"bot_share": float("nan")}, "bot_share=nan: write a share"),
        ({"start": datetime(2026, 1, 1)}, "write a time in UTC"),
        ({"start": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "write a time in UTC"),
        ({"horizons": (7, 1)}, "rising numbers of days"),
        ({"horizons": ()}, "rising numbers of days"),
    ],
)
def test_senseless_settings_are_refused_with_advice(changes: dict, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        replace(SimulationSettings(), **changes)


def test_truth_names_the_settings_that_made_it(tmp_path: Path) -> None:
    settings = SimulationSettings(
        users=3, days=1, seed=5, start=datetime(2025, 7, 1, 6, tzinfo=UTC), horizons=(2, 5)
    )
    summary = write_simulation(settings, tmp_path)
    assert read_settings(summary.truth_path) == settings
