"""The pages on the API's own application."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from stream_app.serving.pages import entry, insight, overview, people, playground
from stream_app.serving.pages.rendering import HERE
from stream_app.serving.pages.sessions import Sessions


def add_pages(app: FastAPI, data_dir: str, clock: Callable[[], float]) -> None:
    """Add the pages, with sessions by cookie; `data_dir` is what they tell to fill where nothing is known."""
    app.state.data_dir = data_dir
    app.state.sessions = Sessions(app.state.access.keys, clock)
    app.state.access.session_caller = app.state.sessions.caller
    for part in (entry, overview, people, insight, playground):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
