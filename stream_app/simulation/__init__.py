"""Seeded clickstream with a hidden truth that later work is judged against."""

from stream_app.simulation.oracle import ClickOracle
from stream_app.simulation.settings import SimulationSettings, read_settings
from stream_app.simulation.writer import SimulationSummary, simulate, write_simulation

__all__ = [
    "ClickOracle",
    "SimulationSettings",
    "SimulationSummary",
    "read_settings",
    "simulate",
    "write_simulation",
]
