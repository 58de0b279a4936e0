"""People: found by id, each with what is known of them and why, and what can be done about their data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.acts import ERASE_SECONDS
from stream_app.serving.api.keys import Caller, Scope
from stream_app.serving.api.problems import ProblemError
from stream_app.serving.api.service import service_of
from stream_app.serving.pages.entry import guarded, read_form
from stream_app.serving.pages.rendering import HEADERS, drawn, render
from stream_app.serving.pages.timeline import describe_entry
from stream_app.serving.pages.words import CHANCES, TIERS, date_and_time
from stream_app.serving.pictures import Bar, bars
from stream_app.serving.pictures.numbers import plain, share, signed_share

PAGE_USERS = 50
PAGE_ENTRIES = 25
MOST_SLIDERS = 5
SLIDER_STEPS = 100
Shown = dict[str, Any]


async def people(request: Request, caller: Caller) -> Response:
    """A search, and the most engaged."""
    query = request.query_params
    prefix, tier, skip = (
        query.get("prefix", "")[:256],
        _number(query.get("tier")),
        _number(query.get("skip")) or 0,
    )
    users, total = service_of(request).present.users(
        tier if tier in TIERS else None, prefix, skip, PAGE_USERS
    )
    asked = {"prefix": prefix, "tier": tier or "", "skip": skip + PAGE_USERS}
    return render(
        request,
        "people.html",
        caller,
        prefix=prefix,
        prefix_path=quote(prefix, safe=""),
        tier=tier,
        tiers=list(TIERS.items()),
        users=[
            user
            | {
                "path": quote(user["user_key"], safe=""),
                "engagement": share(user["engagement"]),
                "as_of": date_and_time(datetime.fromisoformat(user["as_of"])),
            }
            for user in users
        ],
        shown=plain(min(skip + len(users), total)),
        total=plain(total),
        next=f"/people?{urlencode(asked)}" if skip + PAGE_USERS < total else "",
    )


async def person(request: Request, caller: Caller) -> Response:
    """Everything about one user."""
    user_id = request.path_params["user_id"]
    present = service_of(request).present
    user = present.user(user_id)
    if user is None:
        raise ProblemError(404, f"Nothing is known of {user_id}: was the id written as trackers send it?")
    found = present.recommend_to_user(user_id, 8) or {"items": [], "origin": ""}
    before = _number(request.query_params.get("before"))
    entries = present.timeline(user_id, before, PAGE_ENTRIES) or []
    path = quote(user_id, safe="")
    return render(
        request,
        "person.html",
        caller,
        user=user,
        path=path,
        lead=_lead(user),
        recommendations=[
            {
                "item_id": item["item_id"],
                "path": quote(item["item_id"], safe=""),
                "why": item["why"],
                "score": f"{item['score']:.3f}",
            }
            for item in found["items"]
        ],
        origin=found["origin"],
        interests=[
            (
                facet,
                drawn(bars(f"Interest by {facet}", [Bar(name, weight) for name, weight in likes.items()])),
            )
            for facet, likes in user["interests"].items()
        ],
        timeline=[describe_entry(entry) for entry in entries],
        older=f"/people/{path}?before={entries[-1].sequence}" if len(entries) == PAGE_ENTRIES else "",
        features=sorted((name, plain(value)) for name, value in user["features"].items()),
        sliders=_sliders(user),
        subject=orjson.dumps({"user": user_id}).decode(),
        probability=share(user["tier"]["probabilities"].get("3", 0.0)) if user["tier"] else "–",
        may_act=Scope.ACT in caller.scopes,
        **_tier(user["tier"], user["is_tier_valid"]),
        **_outlook(user["outlook"]),
    )


async def erase(request: Request, caller: Caller) -> Response:
    """Erase a user, and show the receipt."""
    user_id, service = request.path_params["user_id"], service_of(request)
    if (await read_form(request)).get("sure") != "yes":
        raise ProblemError(422, "Nothing was erased: tick the box first.")
    request_id, receipt = await service.act(lambda: service.acts.erase(user_id, ERASE_SECONDS, caller.name))
    if receipt is None:
        title, detail, stores = "The erasure waits", f"Its request is {request_id}.", []
    else:
        title = "Erased"
        detail = f"Request {request_id}. Events up to {date_and_time(receipt.as_of)} are dropped."
        stores = [
            {
                "store": store.store,
                "state": store.state,
                "removed": _counted(store.removed),
            }
            for store in receipt.stores
        ]
    return render(request, "erased.html", caller, title=title, detail=detail, stores=stores)


async def export(request: Request, caller: Caller) -> Response:
    """Everything stored about a user, as a file."""
    user_id, service = request.path_params["user_id"], service_of(request)
    found = await service.study(lambda: service.studies.export(user_id, caller.name))
    headers = HEADERS | {"Content-Disposition": 'attachment; filename="user.json"'}
    return Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), 200, headers, "application/json")


def _counted(removed: Mapping[str, int]) -> str:
    return ", ".join(f"{plain(count)} {name.replace('_', ' ')}" for name, count in removed.items() if count)


def _lead(user: Shown) -> str:
    kind = "A bot." if user["is_bot"] else "Identified." if user["is_identified"] else "A visitor."
    agreed = ", ".join(user["consent"]["purposes"]) or "nothing"
    said = "Agreed to" if user["consent"]["is_said"] else "By default agreed to"
    session = user["open_session"]
    now = f" A visit is under way, with {plain(session['event_count'])} events." if session else ""
    return f"{kind} Last seen {date_and_time(user['seen_at'])}. {said} {agreed}.{now}"


def _tier(tier: Shown | None, is_valid: bool) -> Shown:
    if tier is None:
        return {"tier_since": "", "tier_validity": "", "reasons": None, "no_reasons": ""}
    until = date_and_time(datetime.fromisoformat(tier["valid_until"]))
    rows = [
        Bar(reason["feature"], reason["contribution"], note=f"({plain(reason['value'])})")
        for reason in tier["reasons"]
    ]
    rule = "The built-in rule decided it: no model has learned enough yet."
    model = tier["model"]
    is_rule = model is None or model["name"] == "usage_rule"
    return {
        "tier_since": date_and_time(datetime.fromisoformat(tier["as_of"])),
        "tier_validity": f"it holds until {until}." if is_valid else f"it held until {until}.",
        "reasons": drawn(bars("Why this tier", rows, signed_share)) if rows else None,
        "no_reasons": rule if is_rule else "The model is warming up: it names no reasons yet.",
    }


def _outlook(outlook: Shown | None) -> Shown:
    if outlook is None:
        return {"outlook": None, "outlook_until": ""}
    rows = [
        Bar(CHANCES.get(chance["target"], chance["target"]), chance["probability"])
        for chance in outlook["chances"]
    ]
    until = date_and_time(datetime.fromisoformat(outlook["ends_at"]))
    return {"outlook": drawn(bars("Outlook", rows, share, end=1.0)), "outlook_until": until}


def _sliders(user: Shown) -> list[Shown]:
    """The features that weighed most, else some that the user has; each from nothing to twice as much."""
    features: dict[str, float | str] = user["features"]
    weighed = [reason["feature"] for reason in (user["tier"] or {"reasons": ()})["reasons"]]
    names = dict.fromkeys([*weighed, *(name for name in sorted(features) if name.startswith("events_"))])
    sliders: list[Shown] = []
    for name in names:
        value = features.get(name)
        if isinstance(value, str) or value is None or not isfinite(value):
            continue
        low, high = min(0.0, 2 * value), max(2 * value, 1.0)
        sliders.append(
            {
                "name": name,
                "value": f"{value:g}",
                "shown": plain(value),
                "low": f"{low:g}",
                "high": f"{high:g}",
                "step": f"{(high - low) / SLIDER_STEPS:g}",
            }
        )
    return sliders[:MOST_SLIDERS]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


router = APIRouter(include_in_schema=False)
router.add_api_route("/people", guarded(Scope.READ, people), methods=["GET"])
router.add_api_route("/people/{user_id:path}/erase", guarded(Scope.ACT, erase), methods=["POST"])
router.add_api_route("/people/{user_id:path}/export", guarded(Scope.ACT, export), methods=["POST"])
router.add_api_route("/people/{user_id:path}", guarded(Scope.READ, person), methods=["GET"])
