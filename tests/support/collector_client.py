"""A collector in this process over a delivery that records what it is given."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import orjson
from starlette.types import ASGIApp

from stream_app.observability.metrics import Metrics
from stream_app.serving.collector.collector import create_collector, leave_as_is
from stream_app.settings.environment import Settings

HERE = "http://127.0.0.1:8090"
NOW = 1_767_225_600.25
RECEIVED_AT = "2026-01-01T00:00:00.250Z"
KEY, OTHER_KEY = "key-of-the-shop", "key-of-the-app"


def event(**fields: Any) -> dict[str, Any]:
    return {"anonymousId": "a", "event": "Clicked", "messageId": "m", "timestamp": RECEIVED_AT} | fields


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


class RecordingDelivery:
    """Keeps values; fails with `error` while that is set, and waits for `pending` if there is one."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.calls = 0
        self.error: Exception | None = None
        self.pending: asyncio.Event | None = None

    @property
    def is_ready(self) -> bool:
        return self.error is None

    async def __call__(self, events: Sequence[bytes]) -> None:
        self.calls += 1
        if self.pending is not None:
            await self.pending.wait()
        if self.error is not None:
            raise self.error
        self.values += events

    @property
    def events(self) -> list[Any]:
        return [orjson.loads(value) for value in self.values]


class Client:
    """Sends requests from an address to a collector in this process."""

    def __init__(self, app: ASGIApp, address: str, base_url: str) -> None:
        self._app = app
        self._address = address
        self._base_url = base_url

    def open(self) -> httpx.AsyncClient:
        """For a test with a loop of its own."""
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(self._address, 50_000))
        headers = {"user-agent": "Mozilla/5.0 (agent)"}
        return httpx.AsyncClient(transport=transport, base_url=self._base_url, headers=headers)

    def request(self, method: str, path: str, **fields: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, fields))

    def get(self, path: str, **fields: Any) -> httpx.Response:
        return self.request("GET", path, **fields)

    def post(self, path: str, **fields: Any) -> httpx.Response:
        return self.request("POST", path, **fields)

    async def _request(self, method: str, path: str, fields: dict[str, Any]) -> httpx.Response:
        async with self.open() as client:
            return await client.request(method, path, **fields)


class Collector:
    """The application with its delivery, its metrics and a clock that stands still until it is set."""

    def __init__(
        self, scrub: Callable[[dict[str, Any]], dict[str, Any]] = leave_as_is, **settings: Any
    ) -> None:
        self.now = NOW
        self.delivery = RecordingDelivery()
        self.metrics = Metrics()
        self.app: ASGIApp = create_collector(
            self.delivery, Settings(**settings), self.metrics, lambda: self.now, scrub
        )
        self.client = self.from_address("127.0.0.1")

    def from_address(self, address: str, base_url: str = HERE) -> Client:
        """A client at an address."""
        return Client(self.app, address, base_url)

    def counted(self, name: str, **labels: str) -> float | None:
        """The value of a metric."""
        return self.metrics.registry.get_sample_value(name, labels)

    def refused(self, reason: str) -> float | None:
        """How many requests were refused for a reason."""
        return self.counted("stream_app_collector_refused_total", reason=reason)
