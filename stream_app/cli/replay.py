"""`replay`: events through the embedded runtime; `outputs`: what came out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.inputs import (
    FeaturesTable,
    Files,
    Form,
    InputFormat,
    SessionsTable,
    TargetTable,
    UsersTable,
    open_sources,
    progress,
)
from stream_app.cli.options import AsJson, DataDir, SetOption, console, messages
from stream_app.cli.stop_request import StopRequest
from stream_app.errors import InputError, UnfinishedError

if TYPE_CHECKING:
    from stream_app.cli.replay_report import ReplayReport
    from stream_app.intake.sources.source import Source
    from stream_app.runtimes.embedded.store import Store
    from stream_app.schemas.catalogue import CatalogueItem
    from stream_app.settings.environment import Settings


def replay(
    files: Files = None,
    data_dir: DataDir = Path("data"),
    form: Form = InputFormat.EVENTS,
    users: UsersTable = None,
    sessions: SessionsTable = None,
    features: FeaturesTable = None,
    target: TargetTable = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="Items that can be recommended, in JSON lines."),
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions, to match a Kafka run's.")] = 1,
    metrics_page: Annotated[bool, typer.Option("--metrics", help="Serve metrics while it runs.")] = False,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Run events through the whole job on this machine; run again, it resumes where it stopped."""
    from stream_app.cli.replay_report import print_report, refuse_many_failures
    from stream_app.intake.sources.catalogue_lines import read_catalogue
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    sources = open_sources(form, files or [], (users, sessions), (features, target))
    items = list(read_catalogue(catalogue)) if catalogue is not None else ()
    report = run_replay(sources, data_dir, settings, partitions, metrics_page, items)
    print_report(report, as_json)
    refuse_many_failures(report)


def run_replay(
    sources: Sequence[Source],
    data_dir: Path,
    settings: Settings,
    partitions: int = 1,
    serve_metrics: bool = False,
    catalogue: Sequence[CatalogueItem] = (),
) -> ReplayReport:
    """Replay sources into a data folder, one after the other, with a progress bar on a terminal.

    Raises:
        InputError: a source is not in the stated format. NotUnderstoodError: all of them are empty or not
        understood. UnfinishedError: it was asked to stop (SIGTERM); what was read is stored. StateError: the
        folder cannot be used.
    """
    from stream_app.cli.replay_report import ReplayReport
    from stream_app.cli.understanding import Understanding
    from stream_app.folder.opening import open_replay
    from stream_app.observability.metrics import Metrics
    from stream_app.runtimes.embedded.letter_box import LetterBox

    metrics = Metrics()
    if serve_metrics and settings.metrics_port:
        metrics.serve(settings.metrics_host, settings.metrics_port)
    with open_replay(data_dir, settings, metrics, partitions) as (store, learned, run):
        begun_at = time.perf_counter()
        learned.apply_catalogue(catalogue)
        records = 0
        understood = Understanding(store, metrics, data_dir)
        with StopRequest() as stop:
            for source in sources:
                _tell_of_skipped(source, store)
                understood.begin(source)
                with progress(source, "replaying") as show:
                    taken = run.run(source, show, lambda: stop.is_made)
                records += taken
                if stop.is_made:
                    raise UnfinishedError(_how_far(source, store))
                understood.end(taken)
                LetterBox(data_dir).grant_all(run.erase)
        understood.judge()
        run.finish()
        seconds = time.perf_counter() - begun_at
        return ReplayReport.of(store, learned, metrics, data_dir, records, seconds)


def outputs(
    data_dir: DataDir = Path("data"),
    schema: Annotated[str | None, typer.Option(help="Only outputs of this schema.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the outputs of a data folder, oldest first; with --json one object per line."""
    from stream_app.cli.output_lines import output_line
    from stream_app.runtimes.embedded.output_table import OutputReader

    with OutputReader(data_dir) as store:
        counts = store.output_counts()
        if schema is not None and schema not in counts:
            known = ", ".join(sorted(counts)) or "none yet"
            raise InputError(f"there are no {schema} outputs in {data_dir}; there are: {known}")
        for number, body in enumerate(store.outputs(schema)):
            if limit is not None and number >= limit:
                return
            if as_json:
                sys.stdout.buffer.write(body + b"\n")
            else:
                console.print(output_line(body), highlight=False, markup=False, soft_wrap=True)


def _how_far(source: Source, store: Store) -> str:
    done = store.source_position(source.name).records
    return (
        f"stopped as asked after {done:,} records of {source.name}, which are stored: run the same command "
        "again, and it goes on from there"
    )


def _tell_of_skipped(source: Source, store: Store) -> None:
    skipped = store.source_position(source.name).records
    if source.is_live and skipped:
        messages.print(
            f"The last replay of standard input was cut short: the first {skipped:,} records of the same "
            "stream are skipped.",
            highlight=False,
            soft_wrap=True,
        )
