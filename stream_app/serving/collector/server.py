"""The HTTP server around an application, with its own socket and an orderly shutdown."""

from __future__ import annotations

import signal
import socket
from ipaddress import ip_address
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from stream_app.errors import SettingsError
from stream_app.runtimes.common.departure import SIGNALS, leave
from stream_app.serving.collector.connections import Connections
from stream_app.serving.collector.guarded_protocol import guarded_protocol

BACKLOG = 1024


def listen(host: str, port: int, what: str = "collector") -> socket.socket:
    """Return a listening socket; `what` names the settings STREAM_APP_WHAT_HOST and _PORT in errors.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    try:
        family = socket.AF_INET6 if _is_ipv6(host) else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"the {what} cannot listen on {host}:{port} ({error}): set STREAM_APP_{what.upper()}_HOST to an "
            f"address of this machine and STREAM_APP_{what.upper()}_PORT to a free port"
        ) from error
    # Inherited by connections. Without it, kept-alive ones wait 40 ms between an answer's head and body.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        leave(0, "stopped in the middle of requests: every event that was answered with 200 is durable")
        super().handle_exit(sig, frame)


def build_server(app: ASGIApp, connections: Connections, stop_seconds: float) -> uvicorn.Server:
    """A server with the connection limits of `connections`."""
    return _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the application itself decides whose X-Forwarded-For to trust
            http=guarded_protocol(connections),
            timeout_graceful_shutdown=int(stop_seconds),
        )
    )


async def serve(app: ASGIApp, listener: socket.socket, connections: Connections, stop_seconds: float) -> None:
    """Serve until SIGINT or SIGTERM, then finish current requests, for at most `stop_seconds`."""
    server = build_server(app, connections, stop_seconds)
    # uvicorn raises the signal again after stopping, but the process still has to disconnect.
    previous = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    try:
        await server.serve([listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False
