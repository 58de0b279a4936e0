"""Drivers, content and groups: what is true of many."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stream_app.errors import StateError
from stream_app.serving.api.keys import Caller, Scope
from stream_app.serving.api.service import Service, service_of
from stream_app.serving.pages.entry import guarded
from stream_app.serving.pages.rendering import drawn, render
from stream_app.serving.pictures import Bar, Part, bars, treemap
from stream_app.serving.pictures.numbers import plain, share, signed_share

DRIVERS, ITEMS, TRAITS = 8, 40, 5
OUTCOMES = {"retention": "Who comes back", "engagement": "Who is highly engaged"}
DRIVER_NOTE = (
    "The bars are the share among those who have a trait, with 95 % intervals and, in brackets, how many "
    "points more than among the others. "
    "The surest differences come first."
)
DIMENSIONS = {"overall": "what they did"}
Shown = dict[str, Any]


async def drivers(request: Request, caller: Caller) -> Response:
    """What goes with coming back and with being engaged."""
    service = service_of(request)
    found = await service.kept_study(("drivers", DRIVERS), lambda: service.studies.drivers(DRIVERS))
    return render(request, "drivers.html", caller, reports=[driver_report(*entry) for entry in found.items()])


def driver_report(outcome: str, report: Shown) -> Shown:
    """An outcome with a picture for each dimension."""
    rate = report["rate"]
    low, high = rate["interval"]
    pictures = []
    for dimension, rows in report["drivers"].items():
        if not rows:
            continue
        drawn_rows = [
            Bar(
                row["name"],
                row["inside"]["share"],
                tuple(row["inside"]["interval"]),
                f"of {plain(row['inside']['total'])} ({signed_share(row['effect'])})",
            )
            for row in rows
        ]
        title = f"{OUTCOMES.get(outcome, outcome)} by {dimension}"
        pictures.append((DIMENSIONS.get(dimension, dimension), drawn(bars(title, drawn_rows, share))))
    interval = f"95 % interval {share(low)} to {share(high)}"
    return {
        "title": OUTCOMES.get(outcome, outcome),
        "told": f"{share(rate['share'])} of {plain(rate['total'])} users ({interval}): {report['meaning']}.",
        "pictures": pictures,
        "note": DRIVER_NOTE,
    }


async def content(request: Request, caller: Caller) -> Response:
    """All scores, and one item."""
    service = service_of(request)
    item = request.query_params.get("item", "")[:256]
    problem, scores = "", []
    try:
        scores = (await service.kept_study(("contents", ITEMS), lambda: service.studies.contents(ITEMS)))[
            "scores"
        ]
    except StateError as error:
        problem = f"{str(error)[0].upper()}{str(error)[1:]}."
    return render(
        request,
        "content.html",
        caller,
        item=item,
        problem=problem,
        links=[(row["item_id"], quote(row["item_id"], safe="")) for row in scores],
        **score_picture(scores, item),
        **_one_item(request, item),
    )


def score_picture(scores: list[Shown], marked: str = "") -> Shown:
    """All scores with the intervals of what was observed."""
    rows = [
        Bar(
            row["item_id"],
            row["score"],
            tuple(row["interval"]),
            f"({plain(row['starters'])} starters)",
            row["item_id"] == marked,
        )
        for row in sorted(scores, key=lambda row: -row["score"])
    ]
    told = "The line is the 95 % interval of what its own starters did."
    return {
        "scores": drawn(bars("Engagement score by item", rows, lambda value: f"{value:.0f}", 100.0))
        if rows
        else None,
        "scores_told": told,
    }


def _one_item(request: Request, item: str) -> Shown:
    present = service_of(request).present
    found = present.item(item, 10, None, None) if item else None
    if found is None:
        return {
            "found": None,
            "about": "",
            "score": "",
            "observed": "",
            "reasons": None,
            "neighbours": None,
            "next": None,
        }
    score = found["score"]
    following = present.next_items(item, 8)
    reasons = (
        [
            Bar(reason["feature"], reason["contribution"], note=f"({plain(reason['value'])})")
            for reason in score["reasons"]
        ]
        if score
        else []
    )
    neighbours = [Bar(row["item_id"], row["score"]) for row in found["neighbours"]]
    clicks = [Bar(row["item_id"], row["probability"]) for row in following["next"]] if following else []
    return {
        "found": found,
        "about": " ".join(filter(None, (found["category"], found["brand"]))) or "No catalogue describes it.",
        "score": f"{score['score']:.0f}" if score else "",
        "observed": f"{plain(score['completers'])} of {plain(score['starters'])} starters completed it."
        if score
        else "",
        "reasons": drawn(bars("What drives the score", reasons)) if reasons else None,
        "neighbours": drawn(bars("Goes with", neighbours)) if neighbours else None,
        "next": drawn(bars("Clicked next", clicks, share)) if clicks else None,
    }


async def groups(request: Request, caller: Caller) -> Response:
    """Users who behave alike."""
    service = service_of(request)
    text = request.query_params.get("count", "5")
    count = min(max(int(text), 2), 50) if text.isascii() and text.isdecimal() and len(text) < 4 else 5
    segments = await _segments(service)
    try:
        found = await service.kept_study(
            ("clusters", count, TRAITS), lambda: service.studies.clusters(count, TRAITS)
        )
    except StateError as error:
        problem = f"{str(error)[0].upper()}{str(error)[1:]}."
        return render(request, "groups.html", caller, count=count, problem=problem, **segments)
    return render(
        request, "groups.html", caller, count=count, problem="", **segments, **group_pictures(found)
    )


async def _segments(service: Service) -> Shown:
    try:
        return segment_picture(await service.kept_study("segments", service.studies.segments))
    except StateError:
        return {"segments": None, "segments_told": ""}


def segment_picture(found: Shown) -> Shown:
    """A map of the segments, and in words the largest."""
    parts = [Part(row["name"], row["users"], _told(row)) for row in found["segments"]]
    largest = max(found["segments"], key=lambda row: row["users"])
    told = (
        f"The largest, {largest['name']}: last seen {plain(largest['recency_days'])} days ago on average, "
        f"with {plain(largest['sessions'])} sessions and {plain(largest['spent'])} spent. The cuts are "
        "percentiles of all users, as of the newest event."
    )
    return {"segments": drawn(treemap("Segments by size", parts)), "segments_told": told}


def group_pictures(found: Shown) -> Shown:
    """A map of the groups, and what sets each apart."""
    parts = [
        Part(f"Group {cluster['number']}", cluster["users"], _told(cluster)) for cluster in found["clusters"]
    ]
    return {
        "users": plain(found["users"]),
        "map": drawn(treemap("Groups by size", parts)),
        "clusters": [
            {
                "number": cluster["number"],
                "told": f"{plain(cluster['users'])} users",
                "picture": drawn(
                    bars(
                        f"What sets group {cluster['number']} apart",
                        [
                            Bar(trait["feature"], trait["difference"], note=f"({plain(trait['inside'])})")
                            for trait in cluster["traits"]
                        ],
                        lambda value: f"{value:+.1f}",
                    )
                ),
            }
            for cluster in found["clusters"]
        ],
    }


def _told(cluster: Shown) -> str:
    return f"{plain(cluster['users'])} users, {share(cluster['share'])}"


router = APIRouter(include_in_schema=False)
router.add_api_route("/drivers", guarded(Scope.AGGREGATE, drivers), methods=["GET"])
router.add_api_route("/content", guarded(Scope.AGGREGATE, content), methods=["GET"])
router.add_api_route("/groups", guarded(Scope.AGGREGATE, groups), methods=["GET"])
