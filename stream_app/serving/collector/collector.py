"""The collector: accepts events over HTTP, and answers 200 only once they are durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from stream_app.errors import BrokerError, StateError
from stream_app.intake.trackers.declaration import Answer, BodyKind, Sent
from stream_app.intake.trust import mark
from stream_app.observability.metrics import Metrics
from stream_app.serving.collector import demo
from stream_app.serving.collector.addresses import Address, addresses
from stream_app.serving.collector.batch_bounds import check_count, check_encoded, check_shape
from stream_app.serving.collector.bodies import BodyReader
from stream_app.serving.collector.clients import Clients, rate_place
from stream_app.serving.collector.cross_origin import CrossOrigin
from stream_app.serving.collector.delivery import Delivery
from stream_app.serving.collector.hot_path import HotPath, response_of
from stream_app.serving.collector.paths import PlainPaths
from stream_app.serving.collector.rates import TokenBuckets
from stream_app.serving.collector.receipt import Receipt
from stream_app.serving.collector.refusals import RefusalReason, RefusedError
from stream_app.serving.collector.request_count import RequestCount
from stream_app.serving.collector.write_keys import ShownKey, WriteKeys, shown_outside_body
from stream_app.settings.environment import Settings

RETRY_SECONDS = 5
LARGEST_EVENT = 500_000  # so that a record with any key fits a broker's default limit of 1 MiB
FOUND = 302  # the redirect status
LABEL = "label"  # event types that only servers may send
Scrub = Callable[[dict[str, Any]], dict[str, Any]]


def leave_as_is(event: dict[str, Any]) -> dict[str, Any]:
    """No scrubbing."""
    return event


def create_collector(
    deliver: Delivery,
    settings: Settings,
    metrics: Metrics,
    clock: Callable[[], float],
    scrub: Scrub = leave_as_is,
) -> ASGIApp:
    """The HTTP application.

    `clock` returns epoch seconds; `scrub` removes from each event what must not be kept, before it becomes
    durable.
    """
    collector = _Collector(deliver, settings, metrics, clock, scrub)
    app = FastAPI(title="Collector", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    taken = addresses(settings)
    for (method, path), address in taken.items():
        _add_address(app, collector, method, path, address)
    _add_health_routes(app, deliver)
    app.include_router(demo.router)
    app.add_exception_handler(RefusedError, collector.refuse)
    app.add_exception_handler(HTTPException, collector.refuse_path)
    cross_origin = CrossOrigin(
        HotPath(app, taken, collector.accept, collector.note_refusal),
        origins=settings.cors_origins or (),
        routes=taken,
        note_refusal=collector.note_refusal,
    )
    return PlainPaths(RequestCount(cross_origin, metrics))


class _Collector:
    def __init__(
        self,
        deliver: Delivery,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], float],
        scrub: Scrub,
    ) -> None:
        self._deliver = deliver
        self._metrics = metrics
        self._clock = clock
        self._scrub = scrub
        self._keys = WriteKeys(settings.accepted_write_keys, settings.accepted_server_keys)
        self._clients = Clients(settings.trusted_proxies or (), settings.cors_origins or ())
        self._bodies = BodyReader(settings.collector_body_bytes)
        self._buckets = TokenBuckets(settings.collector_rate, settings.collector_burst, clock)
        for reason in RefusalReason:
            metrics.collector_refused.labels(reason)
        for known in self._keys.known:
            metrics.collector_keys.labels(known.scope, known.name)

    async def accept(self, request: Request, address: Address) -> Answer:
        """Make the events of a request durable; return the answer that its SDK expects.

        Raises:
            RefusedError: none of them was accepted.
        """
        self._clients.check_origin(request)
        if not self._keys.are_asked:
            self._clients.check_local(request)
        if address.body is BodyKind.NONE:
            return await self._accept_body(request, address, b"")
        async with self._bodies.read(request, address.body) as body:
            return await self._accept_body(request, address, body)

    async def _accept_body(self, request: Request, address: Address, body: bytes) -> Answer:
        check_shape(body)
        sent = Sent(body, request.query_params, request.headers, request.path_params)
        route, reading = address.read(sent)
        check_count(reading.events)
        if reading.forward_to is not None:
            self._clients.check_forward(reading.forward_to)
        key = self._keys.check(shown_outside_body(request) or reading.write_key)
        client = self._clients.address(request)
        _check_scope(reading.events, key)
        self._buckets.spend((key.text, rate_place(client)), max(len(reading.events), 1))
        received_at = self._clock()
        noted = "" if reading.is_anonymous else str(client or "")
        receipt = Receipt(received_at, noted, request.headers.get("user-agent", ""))
        values = self._encode_all((mark(event, key.is_trusted) for event in reading.events), receipt)
        if values:
            await self._make_durable(values)
        self._metrics.collector_keys.labels(key.scope, key.name).inc()
        self._metrics.count_collected(len(values), self._clock() - received_at)
        if reading.forward_to is not None:
            return Answer(b"", "text/plain", FOUND, reading.forward_to)
        return reading.answer or route.answer

    async def refuse(self, _: Request, refusal: Exception) -> Response:
        """The answer to a refused request."""
        assert isinstance(refusal, RefusedError)
        self.note_refusal(refusal)
        return refusal.response()

    def note_refusal(self, refusal: RefusedError) -> None:
        """Count a refused request."""
        self._metrics.collector_refused.labels(refusal.reason).inc()

    async def refuse_path(self, request: Request, error: Exception) -> Response:
        """The answer to an unknown path or method."""
        refusal = RefusedError(
            RefusalReason.NOT_FOUND, "there is nothing here: see /demo and docs/collector.md"
        )
        answer = await self.refuse(request, refusal)
        if isinstance(error, HTTPException):
            answer.status_code = error.status_code
        return answer

    def _encode_all(self, events: Iterable[object], receipt: Receipt) -> list[bytes]:
        values = []
        size = 0
        for event in events:
            values.append(self._encode(event, receipt))
            size += len(values[-1])
            check_encoded(size)
        return values

    def _encode(self, event: object, receipt: Receipt) -> bytes:
        if isinstance(event, dict):
            event = self._scrub(receipt.stamp(event))
        else:
            event = self._scrub({"": event}).get("")
        try:
            value = orjson.dumps(event)
        except orjson.JSONEncodeError:
            raise RefusedError(RefusalReason.TOO_DEEP, "an event is nested too deeply: flatten it") from None
        if len(value) > LARGEST_EVENT:
            raise RefusedError(RefusalReason.TOO_LARGE, f"an event may have {LARGEST_EVENT} bytes")
        return value

    async def _make_durable(self, values: Sequence[bytes]) -> None:
        try:
            await self._deliver(values)
        except (BrokerError, StateError) as error:
            raise RefusedError(
                RefusalReason.NOT_DURABLE,
                "the events could not be made durable: send them again, with the same messageId",
                RETRY_SECONDS,
            ) from error


def _check_scope(events: Sequence[Any], key: ShownKey) -> None:
    has_label = any(isinstance(event, dict) and event.get("type") == LABEL for event in events)
    if has_label and not key.is_trusted:
        raise RefusedError(
            RefusalReason.SCOPE,
            "labels teach models: send them from a server, with one of the keys in STREAM_APP_SERVER_KEYS",
        )


def _add_address(app: FastAPI, collector: _Collector, method: str, path: str, address: Address) -> None:
    async def endpoint(request: Request) -> Response:
        return response_of(await collector.accept(request, address))

    app.add_api_route(path, endpoint, methods=[method])


def _add_health_routes(app: FastAPI, deliver: Delivery) -> None:
    async def health() -> Response:
        return JSONResponse({"status": "ok"})

    async def ready() -> Response:
        return JSONResponse({"ready": deliver.is_ready}, 200 if deliver.is_ready else 503)

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/ready", ready, methods=["GET"])
