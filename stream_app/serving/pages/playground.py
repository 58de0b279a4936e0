"""Recommendations: a visit clicked together, and how well the sources foresee clicks."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stream_app.core.reasons import why_recommended
from stream_app.serving.api.keys import Caller, Scope
from stream_app.serving.api.ports import SessionAsked
from stream_app.serving.api.service import service_of
from stream_app.serving.pages.entry import guarded
from stream_app.serving.pages.rendering import render

MOST_CLICKED = 20
SHOWN = 12
SCORES = ("hr@5", "hr@10", "hr@20", "mrr@20", "coverage", "novelty")


async def playground(request: Request, caller: Caller) -> Response:
    """The page; the visit is in its address, one item for each `items`."""
    service = service_of(request)
    query = request.query_params
    asked = [item for text in query.getlist("items") for item in text.split("\n") if item]
    items = [*asked, *filter(None, [query.get("add", "").strip()])]
    items = [item[:256] for item in items][-MOST_CLICKED:]
    shown, note = service.present.recommend(
        SessionAsked(items, SHOWN, frozenset(), None, None, service.clock(), "playground", None)
    )
    scores = (await service.kept_study("models", service.studies.models))["recommender"]
    return render(
        request,
        "playground.html",
        caller,
        items=items,
        joined="\n".join(items),
        note=note,
        shown=[
            {
                "item_id": item.item_id,
                "joined": quote("\n".join([*items, item.item_id]), safe=""),
                "why": why_recommended(item.source),
                "score": f"{item.score:.3f}",
            }
            for item in shown
        ],
        score_names=SCORES,
        sources=[
            {
                "name": name.replace("_", " "),
                "scores": [f"{known[score]:.3f}" if score in known else "–" for score in SCORES],
            }
            for name, known in sorted(scores.items(), key=lambda entry: -entry[1].get("hr@10", 0.0))
        ],
    )


async def api_page(request: Request, caller: Caller) -> Response:
    """The routes of the API."""
    paths = request.app.openapi()["paths"]
    routes = [
        (f"{method.upper()} {path}", operation.get("description", "").split("\n")[0])
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return render(request, "docs.html", caller, routes=routes)


router = APIRouter(include_in_schema=False)
router.add_api_route("/playground", guarded(Scope.AGGREGATE, playground), methods=["GET"])
router.add_api_route("/docs", guarded(Scope.AGGREGATE, api_page), methods=["GET"])
