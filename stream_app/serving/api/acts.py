"""Routes that change things or give all away: erase, export, and what if."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from stream_app.schemas.outputs import PrivacyReceipt
from stream_app.serving.api.access import require
from stream_app.serving.api.contract import Erasure, Export, UserAsked, WhatIfAnswer, WhatIfRequest
from stream_app.serving.api.keys import Caller, Scope
from stream_app.serving.api.problems import ProblemError, documented
from stream_app.serving.api.service import Json, service_of

ERASE_SECONDS = 20.0
RequestId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
Actor = Annotated[Caller, Depends(require(Scope.ACT))]
PROBLEMS = documented(400, 401, 403, 413, 421, 422, 429, 503)
router = APIRouter(prefix="/v1", responses=PROBLEMS)


@router.post(
    "/what-if", response_model=WhatIfAnswer, tags=["users"], dependencies=[Depends(require(Scope.READ))]
)
async def ask_what_if(request: Request, asked: WhatIfRequest) -> Response:
    """The score of a user or an item as it is and as it would be."""
    if (asked.user is None) == (asked.item is None):
        raise ProblemError(422, "name either a user or an item")
    service = service_of(request)
    return Json(
        await service.study(
            lambda: service.studies.what_if(
                asked.user, asked.item, asked.target, asked.changes, asked.controls
            )
        )
    )


@router.post(
    "/erasures",
    response_model=Erasure,
    tags=["acts"],
    responses={202: {"model": Erasure, "description": "It waits; ask for it by its id."}},
)
async def erase(request: Request, asked: UserAsked, caller: Actor) -> Response:
    """Erase a user: rows, outputs, and what models learned. The receipt says what was removed."""
    service = service_of(request)
    request_id, receipt = await service.act(
        lambda: service.acts.erase(asked.user_id, ERASE_SECONDS, caller.name)
    )
    return _erasure(request_id, receipt)


@router.get(
    "/erasures/{request_id}",
    response_model=Erasure,
    tags=["acts"],
    responses={202: {"model": Erasure, "description": "It waits, or never was asked for."}},
    dependencies=[Depends(require(Scope.ACT))],
)
async def read_erasure(request: Request, request_id: RequestId) -> Response:
    """The state of an erasure."""
    service = service_of(request)
    return _erasure(request_id, await service.act(lambda: service.acts.receipt(request_id)))


@router.post(
    "/exports",
    response_model=Export,
    tags=["acts"],
    responses=documented(404),
)
async def export(request: Request, asked: UserAsked, caller: Actor) -> Response:
    """Everything stored about a user."""
    service = service_of(request)
    found = await service.study(lambda: service.studies.export(asked.user_id, caller.name))
    if not any((found["rows"], found["outputs"], found["recommender_sessions"])):
        raise ProblemError(404, "nothing is held of this user")
    return Json(found)


def _erasure(request_id: str, receipt: PrivacyReceipt | None) -> Response:
    state = "done" if receipt is not None else "waiting"
    described = receipt.model_dump(mode="json") if receipt is not None else None
    answer = {"request_id": request_id, "state": state, "receipt": described}
    return Json(answer, 200 if receipt is not None else 202)
