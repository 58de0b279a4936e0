"""`GET /v1/stream`: outputs as server-sent events (WHATWG HTML, section 9.2), as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from stream_app.serving.api.access import require
from stream_app.serving.api.keys import Scope
from stream_app.serving.api.ports import Entry, Present
from stream_app.serving.api.problems import ProblemError, documented
from stream_app.serving.api.service import service_of

PUSHED = ("engagement_tier", "outlook", "recommendations", "recommendation_click", "closed_session")
POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 15.0
BATCH = 500
MOST_LISTENERS = 100
LARGEST_DIGITS = 18
SSE = "text/event-stream"
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events: `id` is the output's place, `event` its schema, `data` the output in JSON.",
        "content": {SSE: {"schema": {"type": "string"}}},
    }
}
router = APIRouter(
    prefix="/v1",
    tags=["push"],
    dependencies=[Depends(require(Scope.READ))],
    responses=CONTENT | documented(401, 403, 421, 422, 429, 503),
)


class Listeners:
    """How many clients listen at present."""

    def __init__(self) -> None:
        self.count = 0


@router.get("/stream", response_class=StreamingResponse)
async def stream(
    request: Request,
    schema: Annotated[list[str] | None, Query(max_length=len(PUSHED))] = None,
    after: Annotated[int | None, Query(ge=0, lt=10**LARGEST_DIGITS, description="Begin behind it.")] = None,
    last_event_id: Annotated[
        str | None, Header(pattern=rf"^\d{{1,{LARGEST_DIGITS}}}$", description="Resume behind it.")
    ] = None,
) -> Response:
    """Outputs as they are written; of all schemas that are pushed, or of those that are named.

    It begins with what comes from now on, or behind the place that is named.
    """
    wanted = schema or PUSHED
    if unknown := sorted({*wanted} - {*PUSHED}):
        raise ProblemError(422, f"schema {unknown[0][:40]!r} is none that is pushed: {', '.join(PUSHED)}")
    listeners: Listeners = request.app.state.listeners
    if listeners.count >= MOST_LISTENERS:
        raise ProblemError(503, f"{MOST_LISTENERS} clients listen already", {"Retry-After": "5"})
    present = service_of(request).present
    if last_event_id is not None:
        begin = int(last_event_id)
    else:
        begin = after if after is not None else present.newest_sequence()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_listen(present, listeners, begin, frozenset(wanted)), 200, headers, SSE)


async def _listen(
    present: Present, listeners: Listeners, sequence: int, schemas: Collection[str]
) -> AsyncIterator[bytes]:
    """Ends with its client, or with the server."""
    listeners.count += 1
    silence = 0.0
    try:
        yield b"retry: 1000\n: listening\n\n"
        while True:
            entries = present.entries_after(sequence, schemas, BATCH)
            for entry in entries:
                sequence = entry.sequence
                yield encode(entry)
            if entries:
                silence = 0.0
                await asyncio.sleep(0)
                continue
            await asyncio.sleep(POLL_SECONDS)
            silence += POLL_SECONDS
            if silence >= HEARTBEAT_SECONDS:
                silence = 0.0
                yield b": nothing new\n\n"
    finally:
        listeners.count -= 1


def encode(entry: Entry) -> bytes:
    """An output as an event; its JSON has no line break."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (entry.sequence, entry.schema_name.encode(), entry.body)
