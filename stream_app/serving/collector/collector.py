"""The collector: takes events over HTTP, and answers 200 only once they are durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stream_app.errors import BrokerError, StateError
from stream_app.observability.metrics import Metrics
from stream_app.serving.collector import demo, segment, trackers
from stream_app.serving.collector.bodies import BodyReader
from stream_app.serving.collector.clients import Clients, rate_place
from stream_app.serving.collector.delivery import Delivery
from stream_app.serving.collector.rates import TokenBuckets
from stream_app.serving.collector.reading import Reading
from stream_app.serving.collector.receipt import Receipt
from stream_app.serving.collector.refusals import RefusalReason, RefusedError
from stream_app.serving.collector.request_count import RequestCount
from stream_app.serving.collector.write_keys import WriteKeys, shown_outside_body
from stream_app.settings.environment import Settings

RETRY_SECONDS = 5
PREFLIGHT_SECONDS = 86_400
LARGEST_EVENT = 500_000  # so that a record of it fits a broker's default of 1 MiB, whatever its key
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
) -> FastAPI:
    """The HTTP application.

    `clock` gives epoch seconds; `scrub` takes out of each event what may not be kept, before it is made
    durable.
    """
    collector = _Collector(deliver, settings, metrics, clock, scrub)
    app = FastAPI(title="Collector", docs_url=None, redoc_url=None, openapi_url=None)
    _add_segment_routes(app, collector)
    _add_tracker_routes(app, collector)
    _add_health_routes(app, deliver)
    app.include_router(demo.router)
    app.add_exception_handler(RefusedError, collector.refuse)
    app.add_exception_handler(HTTPException, collector.refuse_path)
    origins = settings.cors_origins or ()
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_credentials="*" not in origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "content-encoding", "anonymousid", "sp-anonymous"],
        expose_headers=["retry-after"],
        max_age=PREFLIGHT_SECONDS,
    )
    app.add_middleware(RequestCount, metrics=metrics)
    return app


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
        self._keys = WriteKeys(settings.accepted_write_keys)
        self._clients = Clients(settings.trusted_proxies or (), settings.cors_origins or ())
        self._bodies = BodyReader(settings.collector_body_bytes)
        self._buckets = TokenBuckets(settings.collector_rate, settings.collector_burst, clock)
        for reason in RefusalReason:
            metrics.collector_refused.labels(reason)

    async def take(self, request: Request, read: Callable[[bytes], Reading]) -> None:
        """Make the events of a request's body durable.

        Raises:
            RefusedError: none of them was taken.
        """
        self._check_sender(request)
        async with self._bodies.read(request) as body:
            await self.take_reading(request, read(body))

    async def take_reading(self, request: Request, reading: Reading) -> None:
        """Make events durable that were read already.

        Raises:
            RefusedError: none of them was taken.
        """
        key = self._keys.check(shown_outside_body(request) or reading.write_key)
        address = self._clients.address(request)
        self._buckets.take((key, rate_place(address)), max(len(reading.events), 1))
        received_at = self._clock()
        receipt = Receipt(received_at, str(address or ""), request.headers.get("user-agent", ""))
        values = [self._encode(event, receipt) for event in reading.events]
        if values:
            await self._make_durable(values)
        self._metrics.count_collected(len(values), self._clock() - received_at)

    async def take_pixel(self, request: Request) -> None:
        """Make the event in a request's address durable.

        Raises:
            RefusedError: it was not taken.
        """
        self._check_sender(request)
        await self.take_reading(request, trackers.read_pixel(request.query_params))

    async def refuse(self, _: Request, refusal: Exception) -> Response:
        """The answer to a request of which nothing was taken."""
        assert isinstance(refusal, RefusedError)
        self._metrics.collector_refused.labels(refusal.reason).inc()
        return refusal.response()

    async def refuse_path(self, request: Request, error: Exception) -> Response:
        """The answer to a path or method that is not ours."""
        refusal = RefusedError(
            RefusalReason.NOT_FOUND, "there is nothing here: see /demo and docs/collector.md"
        )
        answer = await self.refuse(request, refusal)
        if isinstance(error, HTTPException):
            answer.status_code = error.status_code
        return answer

    def _check_sender(self, request: Request) -> None:
        self._clients.check_origin(request)
        if not self._keys.are_asked:
            self._clients.check_local(request)

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


def _add_segment_routes(app: FastAPI, collector: _Collector) -> None:
    async def take(request: Request, read: Callable[[bytes], Reading]) -> Response:
        await collector.take(request, read)
        return JSONResponse({"success": True})

    def add(path: str, read: Callable[[bytes], Reading]) -> None:
        async def endpoint(request: Request) -> Response:
            return await take(request, read)

        app.add_api_route(path, endpoint, methods=["POST"])

    for call in segment.SHORT_NAMES:
        for path in segment.call_paths(call):
            add(path, partial(segment.read_call, call=call))
    for path in segment.BATCH_PATHS:
        add(path, segment.read_batch)


def _add_tracker_routes(app: FastAPI, collector: _Collector) -> None:
    async def snowplow(request: Request) -> Response:
        await collector.take(request, trackers.read_snowplow)
        return Response("ok", media_type="text/plain")

    async def pixel(request: Request) -> Response:
        await collector.take_pixel(request)
        return Response(trackers.PIXEL, media_type="image/gif", headers={"Cache-Control": "no-store"})

    async def posthog(request: Request) -> Response:
        await collector.take(request, trackers.read_posthog)
        return JSONResponse({"status": 1})

    app.add_api_route(trackers.SNOWPLOW_PATH, snowplow, methods=["POST"])
    app.add_api_route(trackers.SNOWPLOW_PIXEL_PATH, pixel, methods=["GET"])
    for path in trackers.POSTHOG_PATHS:
        app.add_api_route(path, posthog, methods=["POST"])


def _add_health_routes(app: FastAPI, deliver: Delivery) -> None:
    async def health() -> Response:
        return JSONResponse({"status": "ok"})

    async def ready() -> Response:
        return JSONResponse({"ready": deliver.is_ready}, 200 if deliver.is_ready else 503)

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/ready", ready, methods=["GET"])
