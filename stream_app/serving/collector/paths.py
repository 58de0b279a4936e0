"""Normalises paths, however a tracker joins its host with them.

Trackers send to `/v1/batch`, `/v1/batch/`, `/batch` or, if their host was configured with `/v1`,
`/v1/v1/batch`. Redirects are no solution: browser beacons do not follow them, and behind a proxy the address
would be a guess.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_REPEATED = re.compile(r"^(?:/v1(?=/v1(?:/|$)))+")
_SLASHES = re.compile(r"/{2,}")


def plain_path(path: str) -> str:
    """The path without slashes at its end, doubled slashes and a repeated `/v1`."""
    return _REPEATED.sub("", _SLASHES.sub("/", path)).rstrip("/") or "/"


class PlainPaths:
    """ASGI middleware: routes see plain paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on under its plain path."""
        if scope["type"] == "http":
            path = scope["path"]
            if path.endswith("/") or "//" in path or path.startswith("/v1/v1"):
                plain = plain_path(path)
                scope = {**scope, "path": plain, "raw_path": plain.encode()}
        await self._app(scope, receive, send)
