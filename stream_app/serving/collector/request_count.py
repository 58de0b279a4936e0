"""Counts answers by route."""

from __future__ import annotations

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_app.observability.metrics import Metrics

OTHER = "other"


class RequestCount:
    """ASGI middleware. Unknown paths share one label, because senders choose them."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        # To look a counter up by its labels takes longer than to count.
        self._counters: dict[tuple[str, str], Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            self._count((getattr(scope.get("route"), "path", OTHER), str(status)))

    def _count(self, labels: tuple[str, str]) -> None:
        counter = self._counters.get(labels)
        if counter is None:
            counter = self._counters[labels] = self._metrics.collector_requests.labels(*labels)
        counter.inc()
