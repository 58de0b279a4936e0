"""`simulate`: a seeded clickstream and its hidden truth."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import Progress

from stream_app.cli.options import AsJson, console, messages
from stream_app.errors import SettingsError, StateError
from stream_app.simulation.settings import SimulationSettings

DEFAULTS = SimulationSettings()


def simulate(
    out: Annotated[Path, typer.Option(help="Folder for events.jsonl, catalogue.jsonl and truth.jsonl.")],
    users: Annotated[int, typer.Option(help="People who visit.")] = DEFAULTS.users,
    days: Annotated[int, typer.Option(help="Days that they are watched for.")] = DEFAULTS.days,
    items: Annotated[int, typer.Option(help="Items in the catalogue.")] = DEFAULTS.items,
    courses: Annotated[
        int, typer.Option(help="And courses, to be started and completed.")
    ] = DEFAULTS.courses,
    seed: Annotated[int, typer.Option(help="The same seed writes the same files.")] = DEFAULTS.seed,
    start: Annotated[datetime, typer.Option(help="First day, in UTC.")] = DEFAULTS.start,
    as_json: AsJson = False,
) -> None:
    """Write simulated events in order of arrival and, separately, the hidden truth behind them."""
    from stream_app.simulation.writer import write_simulation

    try:
        chosen = SimulationSettings(
            users=users,
            days=days,
            items=items,
            courses=courses,
            seed=seed,
            start=start.replace(tzinfo=DEFAULTS.start.tzinfo),
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    with Progress(console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("simulating", total=None)
        try:
            summary = write_simulation(chosen, out, lambda written: bar.update(task, completed=written))
        except OSError as error:
            raise StateError(f"{out} cannot be written: {error}") from error
    if as_json:
        console.file.write(orjson.dumps(summary, default=str).decode() + "\n")
    else:
        console.print(f"{summary.events:,} events of {users:,} people over {days} days in [bold]{out}[/]")
