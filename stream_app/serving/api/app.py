"""The application: routes, and what every request passes before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from stream_app.serving.api import acts, insights, pushes, recommendations, users
from stream_app.serving.api.access import Access, KnownHosts
from stream_app.serving.api.gate import Gate
from stream_app.serving.api.keys import ApiKeys
from stream_app.serving.api.problems import Problem, add_problem_handlers
from stream_app.serving.api.pushes import Listeners
from stream_app.serving.api.service import Json, Service
from stream_app.serving.collector.clients import Clients
from stream_app.serving.collector.rates import TokenBuckets
from stream_app.settings.environment import Settings

DESCRIPTION = "What is known of users, items and models. Send a key as `Authorization: Bearer SECRET`."


def create_api(
    service: Service, settings: Settings, clock: Callable[[], float], hosts: Sequence[str] = ()
) -> FastAPI:
    """The application; `hosts` are names of this server besides those that are set."""
    app = FastAPI(
        title="stream-app",
        version=version("stream-app"),
        description=DESCRIPTION,
        redirect_slashes=False,
        redoc_url=None,
        docs_url=None,
    )
    app.state.service = service
    app.state.listeners = Listeners()
    origins = settings.cors_origins or ()
    app.state.access = Access(
        ApiKeys(settings.known_api_keys),
        Clients(settings.trusted_proxies or (), ()),
        TokenBuckets(settings.api_rate, settings.api_burst, clock),
    )
    for router in (users.router, recommendations.router, insights.router, acts.router, pushes.router):
        app.include_router(router)
    _add_health(app)
    add_problem_handlers(app)
    if origins:
        app.add_middleware(PublicCors, origins=origins)
    app.add_middleware(Gate, hosts=KnownHosts([*hosts, *(settings.api_hosts or ())]))
    return app


class PublicCors:
    """ASGI middleware: pages of other sites may ask for recommendations, and for nothing else."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._public = CORSMiddleware(
            app,
            allow_origins=list(origins),
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type"],
            max_age=3_600,
        )

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Pass a request on, with leave for other sites where it is public."""
        is_public = scope["type"] == "http" and scope["path"] in recommendations.PUBLIC_PATHS
        await (self._public if is_public else self._app)(scope, receive, send)


def _add_health(app: FastAPI) -> None:
    async def health() -> Response:
        return Json({"status": "ok"})

    async def ready(request: Request) -> Response:
        request.app.state.service.present.newest_sequence()
        return Json({"ready": True})

    app.add_api_route("/health", health, methods=["GET"], include_in_schema=False)
    app.add_api_route("/ready", ready, methods=["GET"], include_in_schema=False)


__all__ = ["Problem", "create_api"]
