"""Routes that pages may ask: lists for a session, and what became of them. Nothing names a user."""

from __future__ import annotations

from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.access import require
from stream_app.serving.api.contract import (
    Impression,
    ImpressionAnswer,
    RecommendationAnswer,
    RecommendationRequest,
)
from stream_app.serving.api.keys import Scope
from stream_app.serving.api.ports import SessionAsked
from stream_app.serving.api.problems import ProblemError, documented
from stream_app.serving.api.service import Json, service_of

PUBLIC_PATHS = ("/v1/recommendations", "/v1/impressions")
router = APIRouter(
    tags=["recommendations"],
    dependencies=[Depends(require(Scope.RECOMMEND))],
    responses=documented(400, 401, 403, 413, 421, 422, 429, 503),
)


@router.post(PUBLIC_PATHS[0], response_model=RecommendationAnswer)
async def recommend(request: Request, asked: RecommendationRequest) -> Response:
    """Recommend the next items of a session that is not known yet."""
    service = service_of(request)
    request_id = uuid4().hex
    at = asked.context.at.timestamp() if asked.context.at is not None else service.clock()
    items, note = service.present.recommend(
        SessionAsked(
            asked.items,
            asked.count,
            frozenset(asked.exclude),
            asked.context.device,
            asked.context.country,
            at,
            request_id,
            asked.anonymous_id,
        )
    )
    service.shown.give(request_id, asked.surface, items)
    described = msgspec.to_builtins(items)
    return Json({"request_id": request_id, "items": described, "note": note})


@router.post(PUBLIC_PATHS[1], response_model=ImpressionAnswer, responses=documented(404))
async def note_impression(request: Request, told: Impression) -> Response:
    """Tell which items of a list were seen, and which was clicked. Each counts once."""
    counted = service_of(request).shown.note(told.request_id, told.seen, told.clicked)
    if counted is None:
        raise ProblemError(404, "no list with this request_id is valid: ask for a new one")
    seen, clicked = counted
    return Json({"seen": seen, "clicked": clicked})
