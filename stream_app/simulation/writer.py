"""Events as an iterator, or as files beside the catalogue and, apart, the hidden truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from stream_app.simulation.days import Simulation
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.truth import Record
from stream_app.simulation.wire import EventWriter

PROGRESS_STEP = 5_000


@dataclass(frozen=True)
class SimulationSummary:
    """What was written and where."""

    events: int
    users: int
    items: int
    truths: int
    events_path: Path
    catalogue_path: Path
    truth_path: Path


def simulate(settings: SimulationSettings) -> Iterator[dict[str, Any]]:
    """Wire events in order of arrival (`receivedAt`), the truth left out."""
    simulation = Simulation(settings, _forget)
    writer = EventWriter(simulation.population, simulation.catalogue)
    return map(writer.render, simulation.run())


def write_simulation(
    settings: SimulationSettings, out_dir: Path, progress: Callable[[int], None] | None = None
) -> SimulationSummary:
    """Write `events.jsonl` (order of arrival), `catalogue.jsonl` and `truth.jsonl` into a folder.

    The folder is made if there is none; files of these names are replaced. `progress` is called with
    the number of events written so far. OSError if the folder cannot be written.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    events_path, truth_path = out_dir / "events.jsonl", out_dir / "truth.jsonl"
    catalogue_path = out_dir / "catalogue.jsonl"
    written = truths = 0
    with events_path.open("wb") as events_file, truth_path.open("wb") as truth_file:

        def tell(record: Record) -> None:
            nonlocal truths
            truths += 1
            truth_file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

        simulation = Simulation(settings, tell)
        writer = EventWriter(simulation.population, simulation.catalogue)
        for arrival in simulation.run():
            events_file.write(orjson.dumps(writer.render(arrival), option=orjson.OPT_APPEND_NEWLINE))
            written += 1
            if progress is not None and written % PROGRESS_STEP == 0:
                progress(written)
    with catalogue_path.open("wb") as catalogue_file:
        products = map(simulation.catalogue.describe, range(settings.items))
        courses = map(simulation.courses.describe, range(settings.courses))
        for record in chain(products, courses):
            catalogue_file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    if progress is not None:
        progress(written)
    return SimulationSummary(
        written,
        settings.users,
        settings.items + settings.courses,
        truths,
        events_path,
        catalogue_path,
        truth_path,
    )


def _forget(_: Record) -> None:
    """Truth that nobody asked for."""
