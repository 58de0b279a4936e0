"""`collect`: events over HTTP, into Kafka or, with a data folder, processed on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.options import SetOption, messages

if TYPE_CHECKING:
    import socket

    from stream_app.observability.metrics import Metrics
    from stream_app.runtimes.embedded.replay import Replay
    from stream_app.settings.environment import Settings


if TYPE_CHECKING:
    from stream_app.runtimes.embedded.collecting import EmbeddedDelivery
    from stream_app.runtimes.kafka.operate.collecting import KafkaDelivery

STOP_SECONDS = 5.0


def collect(
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Process the events here, in this folder; without it: to Kafka."),
    ] = None,
    flags: SetOption = None,
) -> None:
    """Receive events over HTTP from browsers and servers; each is answered once it is durable."""
    import uvloop

    from stream_app.observability.logs import begin_logging
    from stream_app.observability.metrics import Metrics
    from stream_app.serving.collector.server import listen
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    begin_logging(as_json=settings.log_format == "json")
    metrics = Metrics()
    with listen(settings.collector_host, settings.collector_port) as listener:
        if settings.metrics_port:
            metrics.serve(settings.metrics_host, settings.metrics_port)
        uvloop.run(_run(listener, data_dir, settings, metrics))


async def _run(listener: socket.socket, data_dir: Path | None, settings: Settings, metrics: Metrics) -> None:
    from stream_app.runtimes.common.intake import build_privacy
    from stream_app.serving.collector.clients import Clients
    from stream_app.serving.collector.collector import create_collector
    from stream_app.serving.collector.connections import Connections, most_connections
    from stream_app.serving.collector.server import serve

    async with _delivery(data_dir, settings, metrics) as deliver:
        app = create_collector(deliver, settings, metrics, time.time, build_privacy(settings).scrub)
        _tell(data_dir, settings)
        connections = Connections(
            most_connections(),
            place_of=Clients(settings.trusted_proxies or (), ()).place,
            note=lambda reason: metrics.collector_closed.labels(reason).inc(),
        )
        await serve(app, listener, connections, settings.collector_timeout + STOP_SECONDS)
    messages.print("stopped: every event that was answered with 200 is durable")


def _delivery(
    data_dir: Path | None, settings: Settings, metrics: Metrics
) -> EmbeddedDelivery | KafkaDelivery:
    if data_dir is None:
        from stream_app.runtimes.kafka.operate.collecting import KafkaDelivery

        return KafkaDelivery(settings)
    from stream_app.runtimes.embedded.collecting import EmbeddedDelivery
    from stream_app.runtimes.embedded.letter_box import LetterBox
    from stream_app.runtimes.embedded.onlookers import Onlookers

    return EmbeddedDelivery(
        lambda: _open_replay(data_dir, settings, metrics),
        settings.idle_check,
        LetterBox(data_dir),
        Onlookers(data_dir),
    )


@contextmanager
def _open_replay(data_dir: Path, settings: Settings, metrics: Metrics) -> Iterator[Replay]:
    from stream_app.folder.opening import open_replay

    with open_replay(data_dir, settings, metrics) as (_, _, replay):
        yield replay


def _tell(data_dir: Path | None, settings: Settings) -> None:
    host = f"[{settings.collector_host}]" if ":" in settings.collector_host else settings.collector_host
    target = f"the folder {data_dir}" if data_dir else f"Kafka at {settings.kafka_servers}"
    lines = [
        f"collecting on http://{host}:{settings.collector_port} into {target}",
        f"to try it from a browser: http://{host}:{settings.collector_port}/demo",
    ]
    if not settings.accepted_write_keys:
        lines.append(
            "no write keys: only clients on this machine are accepted; set STREAM_APP_WRITE_KEYS for others"
        )
    for line in lines:
        messages.print(line, markup=False, highlight=False, soft_wrap=True)
