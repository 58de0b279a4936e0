"""Measures all contenders in one run on one broker, as Markdown tables with ratios.

    python -m load_tests.bench [--long] [--part reduced|full|latency|population]... [--out FILE]

The short form takes about two minutes. Rates per CPU time are more stable on a busy machine, so ratios
compare those.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from load_tests import full_job, latency, population, recording, reduced_comparison
from load_tests.broker import missing_requirements
from load_tests.markdown import full_table, latency_table, population_table, reduced_table
from load_tests.testbed import Testbed, prepared


class Part(StrEnum):
    """What can be measured on its own."""

    REDUCED = "reduced"
    FULL = "full"
    LATENCY = "latency"
    POPULATION = "population"


@dataclass(frozen=True)
class Extent:
    """The size of each measurement."""

    reduced_events: int
    full_events: int
    plain_events: int
    shares: Sequence[float]
    seconds: float
    users: Mapping[str, tuple[int, int]]
    population_events: int
    workers: Sequence[int]


SHORT = Extent(
    reduced_events=200_000,
    full_events=20_000,
    plain_events=1_500,
    shares=(0.5,),
    seconds=6.0,
    users={"reduced": (10_000, 100_000), "full": (2_000, 20_000)},
    population_events=20_000,
    workers=(1,),
)
LONG = Extent(
    reduced_events=1_000_000,
    full_events=100_000,
    plain_events=10_000,
    shares=(0.5, 0.75, 0.9),
    seconds=20.0,
    users={"reduced": (10_000, 1_000_000), "full": (10_000, 300_000)},
    population_events=100_000,
    workers=(1, 2),
)
IN_SHORT = (Part.REDUCED, Part.FULL, Part.LATENCY)


async def measure(extent: Extent, parts: Sequence[Part], write: Callable[[str], None]) -> None:
    """Measure parts and write a table for each."""
    pool = recording.simulate()
    async with prepared() as testbed:
        load = f"load average {os.getloadavg()[0]:.1f} before the run"
        write(f"{os.cpu_count()} cores, Python {platform.python_version()}, {load}")
        highest = {"reduced": 0.0, "full": 0.0}
        if Part.REDUCED in parts or Part.LATENCY in parts:
            results = await reduced_comparison.compare(
                testbed, pool, extent.reduced_events, only_ours=Part.REDUCED not in parts
            )
            highest["reduced"] = results[0].rate.per_second if results[0].rate else 0.0
            write(reduced_table(results))
        if Part.FULL in parts or Part.LATENCY in parts:
            write(await _full(testbed, pool, extent, highest, with_plain=Part.FULL in parts))
        if Part.LATENCY in parts:
            ways: list[tuple[str, Callable[..., Awaitable[list[latency.Latency]]]]] = [
                ("reduced", latency.measure_reduced),
                ("full", latency.measure_full),
            ]
            for name, way in ways:
                rows = await way(testbed, pool, highest[name], extent.shares, extent.seconds)
                write(latency_table(name, rows))
        if Part.POPULATION in parts:
            people = population.split(pool)
            ways_by_users = {
                "reduced": population.measure_reduced,
                "full": population.measure_full,
            }
            for name, by_users in ways_by_users.items():
                rates = [
                    (users, await by_users(testbed, people, users, extent.population_events))
                    for users in extent.users[name]
                ]
                write(population_table(name, rates))


async def _full(
    testbed: Testbed, pool: Sequence[bytes], extent: Extent, highest: dict[str, float], with_plain: bool
) -> str:
    results = {
        workers: await full_job.measure(testbed, pool, extent.full_events, workers)
        for workers in extent.workers
    }
    highest["full"] = results[1].rate.per_second
    plain = None
    if with_plain:
        plain = await full_job.measure_plain_agent(testbed, pool, extent.plain_events)
    return full_table(results, plain)


def main(
    long: Annotated[bool, typer.Option("--long", help="The long form: about a quarter of an hour.")] = False,
    part: Annotated[list[Part] | None, typer.Option(help="Only this part; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the tables to this file too.")] = None,
) -> None:
    """Measure side by side."""
    if reason := missing_requirements():
        typer.echo(f"Cannot measure: {reason}.", err=True)
        raise typer.Exit(1)
    if out is not None:
        out.write_text("")

    def write(table: str) -> None:
        typer.echo(table + "\n")
        if out is not None:  # immediately, because later parts may fail
            with out.open("a") as tables:
                tables.write(table + "\n\n")

    parts = part or (list(Part) if long else IN_SHORT)
    asyncio.run(measure(LONG if long else SHORT, parts, write))


if __name__ == "__main__":
    typer.run(main)
