"""What came of an SDK's calls: its requests with their answers, their events, rows and outputs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from sdk.recorder import Exchange, Recorder
from support.worker_process import WorkerProcess

from stream_app.features.user_row import UserRow
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.serving.collector.collector import create_collector
from stream_app.settings.environment import Settings


@dataclass
class Sending:
    """A collector that SDKs send to, and where to see what came."""

    site: str
    key: str
    settings: Settings
    data: Path
    recorder: Recorder
    process: WorkerProcess

    def sent(self) -> bytes:
        """All bodies and addresses of events, as far as they can be read."""
        exchanges = self.recorder.of_events()
        return b" ".join([exchange.path.encode() + b" " + exchange.text() for exchange in exchanges])

    def assert_all_taken(self) -> None:
        """That nothing which an SDK asked for was refused, its preflights and start-up files included."""
        refused = [
            (exchange.method, exchange.path, exchange.status, exchange.answer)
            for exchange in self.recorder.exchanges
            if not 200 <= exchange.status < 300
        ]
        assert refused == []

    def events(self) -> list[dict[str, Any]]:
        """The events of all requests as the collector makes them durable, in order of arrival."""
        return [event for exchange in self.recorder.of_events() for event in self.events_of(exchange)]

    def events_of(self, exchange: Exchange) -> list[dict[str, Any]]:
        """The events of one request."""
        return asyncio.run(_read(exchange, self.settings))

    def rows(self) -> dict[str, UserRow]:
        """The stored rows by user."""
        with Store(self.data, read_only=True) as store:
            return {user: row for _, user, row in store.rows()}

    def outputs(self, schema: str) -> list[dict[str, Any]]:
        """The stored outputs of a kind."""
        with Store(self.data, read_only=True) as store:
            return [orjson.loads(body) for body in store.outputs(schema)]


class _Kept:
    is_ready = True

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def __call__(self, events: Sequence[bytes]) -> None:
        self.values.extend(events)


async def _read(exchange: Exchange, settings: Settings) -> list[dict[str, Any]]:
    kept = _Kept()
    app = create_collector(kept, settings, Metrics(), lambda: 1_796_000_000.0)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.request(
            exchange.method, exchange.path, headers=exchange.headers, content=exchange.body
        )
    assert answer.is_success, answer.text
    return [orjson.loads(value) for value in kept.values]


def assert_fits_contract(event: dict[str, Any]) -> None:
    """That an event is one of the contract, with nothing to be read leniently."""
    EVENT_ADAPTER.validate_json(orjson.dumps(event))
