"""Compares two builds in one run on one machine: this checkout and another, each with its own interpreter.

    python -m load_tests.compare --other PATH [--rounds 5] [--only PART,PART] [--events N] [--json FILE]

PATH is a checkout with its own environment (run `make install` in it). The events, the drivers and the broker
are always this checkout's. Rounds alternate in which build goes first. The report shows medians over rounds,
and the median of the ratios of each round, so that a slow minute of the machine affects both builds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from load_tests import collecting, full_job, recording, reduced_comparison
from load_tests.broker import missing_requirements
from load_tests.build import HERE, Build, BuildError
from load_tests.contender import ContenderError
from load_tests.posting import PostingError
from load_tests.testbed import Testbed, prepared

MEGABYTE = 1e6
WIDTH = 110


class Part(StrEnum):
    """What can be measured on its own."""

    REDUCED = "reduced"
    FULL = "full"
    LIST = "list"
    SESSION = "session"
    STEP = "step"
    REASONS = "reasons"
    COLLECTOR = "collector"
    COLLECTOR_KAFKA = "collector-kafka"


ON_A_BROKER = {Part.REDUCED, Part.FULL, Part.COLLECTOR_KAFKA}
BY_DEFAULT = tuple(part for part in Part if part is not Part.COLLECTOR_KAFKA)


@dataclass(frozen=True)
class Extent:
    """The size of each measurement; must not change, or figures of two runs are not comparable."""

    people: int = 300
    reduced: int = 300_000
    full: int = 20_000
    lists: int = 3_000
    sessions: int = 3_000
    steps: int = 12_000
    reasons: int = 20
    singles: int = 3_000
    batches: int = 300

    def at_most(self, events: int) -> Extent:
        """A short form, to see that everything runs; a meaningful rate needs more."""
        return Extent(
            people=min(self.people, max(events // 40, 20)),
            reduced=min(self.reduced, max(events, 100_000)),
            full=min(self.full, max(events, 8_000)),
            lists=min(self.lists, events),
            sessions=min(self.sessions, events),
            steps=min(self.steps, events),
            reasons=self.reasons,
            singles=min(self.singles, events),
            batches=min(self.batches, max(events // 100, 5)),
        )


@dataclass
class Figure:
    """One figure of both builds, with a value per round; `more_is_better`, or else less is."""

    unit: str
    more_is_better: bool = False
    this: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """This build's value divided by the other's, by round."""
        return [this / other for this, other in zip(self.this, self.other, strict=True)]

    def summary(self) -> dict[str, object]:
        """All of it, for machines."""
        return {
            "unit": self.unit,
            "more_is_better": self.more_is_better,
            "this": self.this,
            "other": self.other,
            "this_median": statistics.median(self.this),
            "other_median": statistics.median(self.other),
            "ratio": statistics.median(self.ratios),
        }


@dataclass(frozen=True)
class Bench:
    """What all measurements use. `testbed` is None if no part needs it."""

    testbed: Testbed | None
    pool: Sequence[bytes]
    events: Path
    sessions: Path
    extent: Extent

    @property
    def broker(self) -> Testbed:
        """The testbed for a part that needs one."""
        assert self.testbed is not None
        return self.testbed


async def _reduced(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    stream = await reduced_comparison.write_stream(bench.broker, bench.pool, bench.extent.reduced)
    result = await reduced_comparison.measure(bench.broker, reduced_comparison.ours_by(build), *stream)
    if result.rate is None:
        raise BuildError(f"{build.root} failed at the reduced job: {result.reason}")
    return {
        "reduced job": (result.rate.per_cpu_second, Figure("events/CPU s", more_is_better=True)),
        "reduced job: peak memory": (result.peak_bytes / MEGABYTE, Figure("MB")),
    }


async def _full(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    result = await full_job.measure(bench.broker, bench.pool, bench.extent.full, build=build)
    return {
        "full job": (result.rate.per_cpu_second, Figure("events/CPU s", more_is_better=True)),
        "full job: peak memory": (result.peak_bytes / MEGABYTE, Figure("MB")),
    }


async def _list(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    return {"list of ten": (_driven(build, "lists", bench.sessions, bench.extent.lists), Figure("µs CPU"))}


async def _session(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    cost = _driven(build, "sessions", bench.sessions, bench.extent.sessions)
    return {"closed session": (cost, Figure("µs CPU"))}


async def _step(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    cost = _driven(build, "steps", bench.events, bench.extent.steps)
    return {"step": (cost, Figure("µs CPU"))}


async def _reasons(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    cost = _driven(build, "reasons", bench.events, bench.extent.reasons)
    return {"tier of the vote, with reasons": (cost, Figure("µs CPU"))}


async def _collector(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    return await _collected(bench, build, onto_kafka=False)


async def _collector_kafka(bench: Bench, build: Build) -> dict[str, tuple[float, Figure]]:
    return await _collected(bench, build, onto_kafka=True)


async def _collected(bench: Bench, build: Build, onto_kafka: bool) -> dict[str, tuple[float, Figure]]:
    extent, name = bench.extent, "collector, Kafka" if onto_kafka else "collector"
    costs = await collecting.measure(
        bench.broker, build, bench.pool, extent.singles, extent.batches, onto_kafka
    )
    figures: dict[str, tuple[float, Figure]] = {}
    for kind, cost in zip(("call", f"batch of {collecting.BATCH_EVENTS}"), costs, strict=True):
        figures[f"{name}: {kind}"] = cost.cpu_us, Figure("µs CPU")
        figures[f"{name}: {kind}, rate"] = (
            cost.per_second,
            Figure("requests/s", more_is_better=True),
        )
        figures[f"{name}: {kind}, 99th percentile"] = cost.p99_ms, Figure("ms")
    return figures


MEASUREMENTS = {
    Part.REDUCED: _reduced,
    Part.FULL: _full,
    Part.LIST: _list,
    Part.SESSION: _session,
    Part.STEP: _step,
    Part.REASONS: _reasons,
    Part.COLLECTOR: _collector,
    Part.COLLECTOR_KAFKA: _collector_kafka,
}


def _driven(build: Build, driver: str, path: Path, count: int) -> float:
    return float(build.output_of(build.driver(driver, str(path), str(count))).splitlines()[-1])


async def compare(
    other: Build,
    rounds: int,
    parts: Sequence[Part],
    extent: Extent,
    told: Callable[[int, dict[str, Figure]], None],
) -> dict[str, Figure]:
    """Measure both builds alternately; `told` is called after each round with all figures so far.

    Raises:
        BuildError: a build could not be measured. ContenderError: it made no progress. PostingError: its
        collector refused an event.
    """
    figures: dict[str, Figure] = {}
    async with _prepared(other, parts, extent) as bench:
        for number in range(rounds):
            for part in parts:
                turns = [(HERE, True), (other, False)]
                for build, is_this in turns if number % 2 == 0 else reversed(turns):
                    for name, (value, figure) in (await MEASUREMENTS[part](bench, build)).items():
                        kept = figures.setdefault(name, figure)
                        (kept.this if is_this else kept.other).append(value)
            told(number + 1, figures)
    return figures


@contextlib.asynccontextmanager
async def _prepared(other: Build, parts: Sequence[Part], extent: Extent) -> AsyncIterator[Bench]:
    pool = recording.simulate(extent.people)
    with tempfile.TemporaryDirectory(prefix="compare-") as name:
        folder = Path(name)
        events, sessions = folder / "events.jsonl", folder / "sessions.jsonl"
        events.write_bytes(b"\n".join(pool) + b"\n")
        if {Part.LIST, Part.SESSION} & set(parts):
            _close_sessions(other, events, sessions)
        async with contextlib.AsyncExitStack() as stack:
            testbed = None
            if {*ON_A_BROKER, Part.COLLECTOR} & set(parts):
                testbed = await stack.enter_async_context(prepared())
            yield Bench(testbed, pool, events, sessions, extent)


def _close_sessions(build: Build, events: Path, sessions: Path) -> None:
    """The closed sessions of the events, written by the other build, because this one must read them too."""
    data = ["--data-dir", str(events.with_name("data"))]
    build.output_of(build.module("stream_app", "replay", str(events), *data))
    closed = build.module("stream_app", "outputs", *data, "--schema", "closed_session", "--json")
    sessions.write_bytes(build.output_of(closed))


def table_of(figures: dict[str, Figure], other: str) -> Table:
    """Medians, and this build's ratio to the other."""
    table = Table("figure", "unit", title=f"this build and {other}")
    for heading in ("this", "other", "ratio", "from–to"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for name, figure in figures.items():
        ratio = statistics.median(figure.ratios)
        is_better = ratio > 1 if figure.more_is_better else ratio < 1
        table.add_row(
            name,
            figure.unit,
            f"{statistics.median(figure.this):,.1f}",
            f"{statistics.median(figure.other):,.1f}",
            f"{ratio:.3f}",
            f"{min(figure.ratios):.3f}–{max(figure.ratios):.3f}",
            "better" if is_better else "worse" if ratio != 1 else "",
        )
    return table


def report_of(figures: dict[str, Figure], about: dict[str, object]) -> bytes:
    """All values as JSON, with their context."""
    summaries = {name: figure.summary() for name, figure in figures.items()}
    return orjson.dumps(about | {"figures": summaries}, option=orjson.OPT_INDENT_2) + b"\n"


def _machine() -> dict[str, object]:
    load = round(os.getloadavg()[0], 1)
    return {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": load}


def parse_parts(names: str) -> list[Part]:
    """Parse comma-separated names of parts.

    Raises:
        typer.BadParameter: there is no such part.
    """
    try:
        return [Part(name.strip()) for name in names.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"{error}; there are: {', '.join(Part)}") from error


def main(
    other: Annotated[Path, typer.Option(help="The other checkout, with an environment in `.venv`.")],
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which medians are taken.")] = 5,
    only: Annotated[str, typer.Option(help="Parts, by commas.")] = ",".join(BY_DEFAULT),
    events: Annotated[int | None, typer.Option(min=1, help="A short form with so many events.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all values to this file.")] = None,
) -> None:
    """Compare this checkout with another."""
    parts = parse_parts(only)
    messages = Console(stderr=True)
    try:
        build = Build.at(other)
        if set(parts) & {*ON_A_BROKER, Part.COLLECTOR} and (reason := missing_requirements()):
            raise BuildError(f"{reason}, or choose parts that need no broker")
        extent = Extent() if events is None else Extent().at_most(events)
        about = {"this": HERE.commit(), "other": build.commit(), **_machine()}

        def keep(done: int, figures: dict[str, Figure]) -> None:
            messages.print(f"round {done} of {rounds}")
            if json is not None:  # immediately, because a later round may fail
                json.write_bytes(report_of(figures, about | {"rounds": done}))

        figures = asyncio.run(compare(build, rounds, parts, extent, keep))
    except (BuildError, ContenderError, PostingError) as error:
        messages.print(f"Cannot compare: {error}", markup=False)
        raise typer.Exit(1) from error
    Console(width=None if sys.stdout.isatty() else WIDTH).print(
        table_of(figures, build.commit() or str(build.root))
    )


if __name__ == "__main__":
    typer.run(main)
