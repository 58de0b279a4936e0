"""`worker`, `trainer`, `produce` and `topics`; the Kafka runtime is imported only where it is used."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.table import Table

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
from stream_app.cli.options import SetOption, console
from stream_app.errors import InputError, StreamAppError

if TYPE_CHECKING:
    from stream_app.observability.metrics import Metrics
    from stream_app.settings.environment import Settings


log = logging.getLogger(__name__)
topics_app = typer.Typer(
    help="The topics that the product reads and writes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
positions_app = typer.Typer(
    help="The positions up to which topics are read.", no_args_is_help=True, add_completion=False
)


@positions_app.callback()
def _positions() -> None:
    """The positions up to which topics are read."""


def worker(
    trainer: Annotated[
        bool, typer.Option("--trainer/--no-trainer", help="Run a trainer alongside; one at a time learns.")
    ] = True,
    flags: SetOption = None,
) -> None:
    """Process events from Kafka until stopped; start as many as there are cores, up to the partitions."""
    from stream_app.runtimes.common.memory import collect_seldom
    from stream_app.runtimes.common.threads import switch_often
    from stream_app.runtimes.kafka.consume.app import build_worker
    from stream_app.runtimes.kafka.operate.worker import run_app
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    metrics = _begin(settings)
    command: list[str] = []
    if trainer:
        # If a setting is given twice the last one counts: the worker's own port is in use.
        given = [*(flags or ()), "metrics_port=0"]
        command = [sys.executable, "-m", "stream_app", "trainer", "--beside"]
        command += [part for flag in given for part in ("--set", flag)]
    settings.required_snapshot_key  # noqa: B018  # refuse a missing key before anything is started
    collect_seldom()
    switch_often()
    _run(
        run_app(
            settings.app_id,
            lambda footing: build_worker(settings, metrics, footing=footing),
            settings,
            metrics,
            command,
        )
    )


def trainer(
    beside: Annotated[bool, typer.Option(hidden=True, help="End when standard input closes.")] = False,
    flags: SetOption = None,
) -> None:
    """Learn from training examples and publish model snapshots until stopped."""
    from stream_app.runtimes.kafka.consume.app import build_trainer, trainer_id
    from stream_app.runtimes.kafka.operate.worker import run_app
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    metrics = _begin(settings)
    settings.required_snapshot_key  # noqa: B018  # refuse a missing key before anything is started
    _run(
        run_app(
            trainer_id(settings),
            lambda footing: build_trainer(settings, metrics, footing.position),
            settings,
            metrics,
            ends_with_input=beside,
        )
    )


def produce(
    files: Files = None,
    form: Form = InputFormat.EVENTS,
    users: UsersTable = None,
    sessions: SessionsTable = None,
    features: FeaturesTable = None,
    target: TargetTable = None,
    flags: SetOption = None,
) -> None:
    """Send events from files to Kafka, keyed by user, as a tracker's server would."""
    import asyncio

    from stream_app.runtimes.kafka.operate import feeding
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    sent = 0
    for source in open_sources(form, files or [], (users, sessions), (features, target)):
        with progress(source, "sending") as show:
            sent += asyncio.run(feeding.produce(source, settings, show))
    console.print(f"{sent:,} events acknowledged")


def catalogue(
    file: Annotated[Path, typer.Argument(help="Items that can be recommended, in JSON lines.")],
    flags: SetOption = None,
) -> None:
    """Send a catalogue to Kafka; the newest version of an item counts."""
    import asyncio

    from stream_app.intake.sources.catalogue_lines import read_catalogue
    from stream_app.runtimes.kafka.operate import feeding
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    items = list(read_catalogue(file))  # nothing is sent if any line of the file is invalid
    sent = asyncio.run(feeding.send_catalogue(items, settings))
    console.print(f"{sent:,} items acknowledged")


@topics_app.command("read")
def read(
    topic: Annotated[str, typer.Argument(help="A topic whose values are JSON.")], flags: SetOption = None
) -> None:
    """Print a topic's current content, one JSON value per line."""
    import asyncio

    from stream_app.runtimes.kafka.operate import feeding
    from stream_app.runtimes.kafka.operate.topics import topics_of
    from stream_app.schemas.topics import EVENTS
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    readable = [known.name for known in topics_of(settings) if known.contract or known is EVENTS]
    if topic not in readable:
        raise InputError(f"{topic} cannot be read so; there are: {', '.join(readable)}")
    asyncio.run(feeding.read_topic(topic, settings, _print_line))


@topics_app.command("create")
def create(flags: SetOption = None) -> None:
    """Create the topics that are missing, with their partitions, retention and compaction."""
    import asyncio

    from stream_app.runtimes.kafka.operate.topics import create_topics
    from stream_app.settings.loading import load_settings

    created = asyncio.run(create_topics(load_settings(flags or ())))
    for name, is_new in created.items():
        console.print(f"{'created' if is_new else 'exists '}  {name}", highlight=False)


@topics_app.command("list")
def show(flags: SetOption = None) -> None:
    """List the declared topics."""
    from stream_app.runtimes.kafka.operate.topics import partitions_of, topics_of
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    table = Table("topic", "role", "partitions", "key", "what it carries")
    for topic in topics_of(settings):
        table.add_row(
            topic.name, topic.role, str(partitions_of(topic, settings)), topic.key.text, topic.description
        )
    console.print(table)


@positions_app.command("reset")
def reset(flags: SetOption = None) -> None:
    """Start over with source topics that were deleted and recreated; rows stay. No worker may run."""
    import asyncio

    from stream_app.runtimes.kafka.operate.positions import reset_positions
    from stream_app.settings.loading import load_settings

    done = asyncio.run(reset_positions(load_settings(flags or ())))
    for topic, partitions in done.items():
        console.print(f"reset  {topic}, partitions {', '.join(map(str, partitions))}", highlight=False)
    if not done:
        console.print("every position is of a topic that there is: nothing to reset")


def _begin(settings: Settings) -> Metrics:
    from stream_app.observability.logs import begin_logging
    from stream_app.observability.metrics import Metrics

    begin_logging(as_json=settings.log_format == "json")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_one_line)
    threading.excepthook = _tell_of_thread
    metrics = Metrics()
    if settings.metrics_port:
        metrics.serve(settings.metrics_host, settings.metrics_port)
    return metrics


def _run(running: Coroutine[Any, Any, None]) -> NoReturn:
    """Run an app to its end, ignoring whatever Faust's threads still do afterwards."""
    import asyncio

    from stream_app.runtimes.common.departure import end

    try:
        asyncio.run(running)
    except StreamAppError as error:
        end(error.exit_code, str(error))
    end(0)


def _tell_of_thread(ended: threading.ExceptHookArgs) -> None:
    """A consumer's thread may find the loop closed after its worker has ended: that needs only one line."""
    log.warning("%s ended: %r", ended.thread.name if ended.thread else "a thread", ended.exc_value)


def _one_line(record: logging.LogRecord) -> bool:
    """Report what ends a worker once, in one line; Faust would log a traceback for each service."""
    record.exc_info = None
    return not record.getMessage().startswith("Crashed reason")


def _print_line(value: bytes) -> None:
    sys.stdout.buffer.write(value + b"\n")
