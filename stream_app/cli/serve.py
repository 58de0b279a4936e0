"""`serve`: what a data folder knows, over HTTP, while another process may fill it."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream_app.cli.options import SetOption, messages

if TYPE_CHECKING:
    import socket

    from stream_app.settings.environment import Settings

STOP_SECONDS = 2.0
WAIT_SECONDS = 0.5


def serve(
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="The folder that `replay` or `collect` fills.")
    ] = Path("data"),
    host: Annotated[str | None, typer.Option(help="Address; default: the setting api_host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; default: the setting api_port.")
    ] = None,
    flags: SetOption = None,
) -> None:
    """Serve what a data folder knows over HTTP: users, recommendations, items, models, a live stream.

    Without STREAM_APP_API_KEYS only clients of this machine are answered.
    """
    import asyncio

    from stream_app.observability.logs import begin_logging
    from stream_app.serving.collector.server import listen
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    begin_logging(as_json=settings.log_format == "json")
    address = host or settings.api_host
    with listen(address, port or settings.api_port, "api") as listener:
        asyncio.run(_run(listener, address, data_dir, settings))


async def _run(listener: socket.socket, host: str, data_dir: Path, settings: Settings) -> None:
    import asyncio

    from stream_app.folder.folder_acts import FolderActs
    from stream_app.folder.folder_present import FolderPresent
    from stream_app.folder.folder_studies import FolderStudies
    from stream_app.serving.api.app import create_api
    from stream_app.serving.api.service import Service
    from stream_app.serving.api.shown_lists import ShownLists
    from stream_app.serving.collector.clients import Clients
    from stream_app.serving.collector.connections import Connections, most_connections
    from stream_app.serving.collector.server import serve as serve_http
    from stream_app.serving.pages.adding import add_pages

    with closing(FolderPresent(data_dir, settings)) as present:
        service = Service(
            present,
            FolderStudies(data_dir, settings),
            FolderActs(data_dir, settings),
            ShownLists(settings.recommend_validity, time.time),
            time.time,
        )
        app = create_api(service, settings, time.time, hosts=[host])
        add_pages(app, str(data_dir), time.time)
        _tell(host, listener.getsockname()[1], data_dir, settings)
        connections = Connections(
            most_connections(), place_of=Clients(settings.trusted_proxies or (), ()).place
        )
        warming_up = asyncio.create_task(service.kept_study("models", service.studies.models))
        await serve_http(app, listener, connections, STOP_SECONDS)
        warming_up.cancel()


def _tell(host: str, port: int, data_dir: Path, settings: Settings) -> None:
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [f"serving {data_dir}: open {address} in a browser; the API's contract is {address}/openapi.json"]
    if not settings.known_api_keys:
        lines.append("no keys: only this machine is answered; set STREAM_APP_API_KEYS for others")
    for line in lines:
        messages.print(line, markup=False, highlight=False, soft_wrap=True)
