"""Routes about users: everything here names them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.access import require
from stream_app.serving.api.contract import MOST_COUNT, Timeline, UserList, UserRecommendations, UserView
from stream_app.serving.api.keys import Scope
from stream_app.serving.api.ports import JsonObject
from stream_app.serving.api.problems import ProblemError, documented
from stream_app.serving.api.service import Json, service_of

UserId = Annotated[str, Path(min_length=1, max_length=256, description="The id, as trackers send it.")]
LARGEST = 2**63 - 1
MOST_SKIPPED = 10_000_000
router = APIRouter(
    prefix="/v1/users",
    tags=["users"],
    dependencies=[Depends(require(Scope.READ))],
    responses=documented(401, 403, 404, 421, 422, 429, 503),
)


@router.get("", response_model=UserList)
async def list_users(
    request: Request,
    tier: Annotated[int | None, Query(ge=1, le=3)] = None,
    prefix: Annotated[str, Query(max_length=256, description="How the id begins.")] = "",
    skip: Annotated[int, Query(ge=0, le=MOST_SKIPPED)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Users whose tier is known, the most engaged first."""
    users, total = service_of(request).present.users(tier, prefix, skip, limit)
    asked = {"prefix": prefix, "skip": skip + limit, "limit": limit} | ({"tier": tier} if tier else {})
    is_more = skip + limit < total
    return Json(
        {"users": users, "total": total, "next": f"/v1/users?{urlencode(asked)}" if is_more else None}
    )


@router.get("/{user_id:path}/recommendations", response_model=UserRecommendations)
async def recommend_to_user(
    request: Request, user_id: UserId, count: Annotated[int, Query(ge=1, le=MOST_COUNT)] = 10
) -> Response:
    """What would be shown to a user now, as far as they consent, and why."""
    return Json(_known(service_of(request).present.recommend_to_user(user_id, count)))


@router.get("/{user_id:path}/timeline", response_model=Timeline)
async def read_timeline(
    request: Request,
    user_id: UserId,
    before: Annotated[int | None, Query(ge=0, le=LARGEST, description="Only older ones.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """A user's sessions, tiers, outlooks, lists and clicks, the newest first."""
    entries = service_of(request).present.timeline(user_id, before, limit)
    if entries is None:
        raise _unknown()
    here = f"/v1/users/{quote(user_id, safe='')}/timeline"
    older = f"{here}?before={entries[-1].sequence}&limit={limit}" if len(entries) == limit else None
    described = [
        {
            "sequence": entry.sequence,
            "schema_name": entry.schema_name,
            "output": orjson.Fragment(entry.body),
        }
        for entry in entries
    ]
    return Json({"entries": described, "next": older})


@router.get("/{user_id:path}", response_model=UserView)
async def read_user(request: Request, user_id: UserId) -> Response:
    """What is known of a user now."""
    return Json(_known(service_of(request).present.user(user_id)))


def _known(found: JsonObject | None) -> JsonObject:
    if found is None:
        raise _unknown()
    return found


def _unknown() -> ProblemError:
    return ProblemError(404, "nothing is known of this user: was the id written as trackers send it?")
