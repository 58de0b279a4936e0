"""Routes about items, models and what is true of many: nothing here names a user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.access import require
from stream_app.serving.api.contract import (
    MOST_COUNT,
    ClusterReport,
    ContentReport,
    CountryCode,
    DriverReport,
    History,
    ItemView,
    ModelReport,
    NextItems,
    SegmentReport,
    Status,
)
from stream_app.serving.api.keys import Scope
from stream_app.serving.api.ports import JsonObject
from stream_app.serving.api.problems import ProblemError, documented
from stream_app.serving.api.service import Json, service_of

ItemPath = Annotated[str, Path(min_length=1, max_length=256)]
Count = Annotated[int, Query(ge=1, le=MOST_COUNT)]
router = APIRouter(
    prefix="/v1",
    tags=["insights"],
    dependencies=[Depends(require(Scope.AGGREGATE))],
    responses=documented(401, 403, 421, 422, 429, 503),
)


@router.get("/items", response_model=ContentReport)
async def list_items(request: Request, top: Count = 50) -> Response:
    """Items whose engagement score is known, those with most starters first."""
    service = service_of(request)
    return Json(await service.kept_study(("contents", top), lambda: service.studies.contents(top)))


@router.get("/items/{item_id:path}/next", response_model=NextItems, responses=documented(404))
async def read_next_items(request: Request, item_id: ItemPath, count: Count = 5) -> Response:
    """The likeliest clicks after an item, with their probabilities."""
    return Json(_known(service_of(request).present.next_items(item_id, count)))


@router.get("/items/{item_id:path}", response_model=ItemView, responses=documented(404))
async def read_item(
    request: Request,
    item_id: ItemPath,
    count: Count = 10,
    device: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
    country: Annotated[CountryCode | None, Query()] = None,
) -> Response:
    """An item's score, and what goes with it in a context."""
    return Json(_known(service_of(request).present.item(item_id, count, device, country)))


@router.get("/drivers", response_model=dict[str, DriverReport])
async def read_drivers(request: Request, top: Count = 8) -> Response:
    """What is associated with retention and engagement, by system, browser, plan and page."""
    service = service_of(request)
    return Json(await service.kept_study(("drivers", top), lambda: service.studies.drivers(top)))


@router.get("/segments", response_model=SegmentReport)
async def read_segments(request: Request) -> Response:
    """Users by the eleven segments of recency, frequency and money."""
    service = service_of(request)
    return Json(await service.kept_study("segments", service.studies.segments))


@router.get("/clusters", response_model=ClusterReport)
async def read_clusters(
    request: Request,
    count: Annotated[int, Query(ge=2, le=50)] = 5,
    top: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Response:
    """Groups of users who behave alike, and what sets each apart."""
    service = service_of(request)
    return Json(
        await service.kept_study(("clusters", count, top), lambda: service.studies.clusters(count, top))
    )


@router.get("/models", response_model=ModelReport)
async def read_models(request: Request) -> Response:
    """Every model with its scores beside its baseline's."""
    service = service_of(request)
    return Json(await service.kept_study("models", service.studies.models))


@router.get("/history", response_model=History)
async def read_history(request: Request) -> Response:
    """By day: events, outputs, and users who went from one tier to another."""
    return Json(service_of(request).present.days())


@router.get("/status", response_model=Status)
async def read_status(request: Request) -> Response:
    """How fresh the data is, and how much there is."""
    service = service_of(request)
    return Json(service.present.status() | {"recommendations": service.shown.counts()})


def _known(found: JsonObject | None) -> JsonObject:
    if found is None:
        raise ProblemError(404, "nobody looked at this item yet, and no catalogue has it")
    return found
