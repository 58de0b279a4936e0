"""Matomo (Piwik): the query of a tracking request, and the body of a bulk request.

Source: Matomo's "Tracking HTTP API" and "Ecommerce" (items as `[sku, name, category, price, quantity]`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from stream_app.intake.trackers.commerce import event_name, shop_properties
from stream_app.intake.trackers.context_places import Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.declaration import PIXEL, Answer, BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.field_values import MAX_EVENT_NAME, given, iso_time, number, pop_text, text
from stream_app.intake.trackers.json_records import MAX_EVENTS, Unreadable, parse_json, parse_object
from stream_app.intake.trackers.kept_fields import keep
from stream_app.intake.trackers.query_strings import parse_query

# Match only at the start: searching would scan the whole text from each character.
QUERY = re.compile(rb"(?=.*(?:^|[?&])rec=1(?:&|$))(?=.*(?:^|[?&])idsite=)", re.DOTALL)
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)
NO_CONTENT = Answer(b"", "text/plain", 204)
PLACES: dict[str, Place] = {
    "cip": Place(None, "ip"),
    "ua": Place(None, "userAgent", user_agent_text),
    "lang": Place(None, "locale"),
    "url": Place("page", "url", url_text),
    "urlref": Place("page", "referrer", url_text),
    "action_name": Place("page", "title"),
    "country": Place("location", "country", lambda value: text(value, 1024) and str(value)[:1024].upper()),
    "region": Place("location", "region"),
    "city": Place("location", "city"),
    "_rcn": Place("campaign", "name"),
    "_rck": Place("campaign", "term"),
}
# Fields about browser plugins, page speed and the tracker itself.
NOT_KEPT = re.compile(
    r"idsite|rec|rand|apiv|token_auth|send_image|queuedtracking|bots|cookie|h|m|s|fla|java|dir|qt|realp|pdf|wma"
    r"|ag|gears|uadata|cs|gt_ms|pf_\w+|_idts|_idvc|_idn|_viewts|_refts|_ref|_ects|_cvar|cvar|new_visit|lat|long"
    r"|dimension0|trackingTrackedAt|ca|cid|_id|uid"
)
ITEM = ("product_id", "name", "category", "price", "quantity")
ORDER = {"ec_id": "order_id", "ec_st": "subtotal", "ec_tx": "tax", "ec_sh": "shipping", "ec_dt": "discount"}
VIEWED = {"_pks": "product_id", "_pkn": "name", "_pkc": "category", "_pkp": "price"}
CONTENT = {
    "c_n": "content_name",
    "c_p": "content_piece",
    "c_t": "content_target",
    "c_i": "content_interaction",
}
MEANING_OF_NAME = {
    "Product Added": "product_id",
    "Product Removed": "product_id",
    "Product Viewed": "product_id",
    "Products Searched": "query",
}


def read_matomo(value: bytes) -> list[dict[str, Any]]:
    """Events of a query string or of a bulk request.

    Raises:
        Unreadable: it is neither.
    """
    if value.lstrip()[:1] == b"{":
        return [event for hit in _bulk_hits(parse_object(value)) for event in _events(hit)]
    return _events(parse_query(value))


def _bulk_hits(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    requests = body.get("requests")
    if not isinstance(requests, list) or len(requests) > MAX_EVENTS:
        raise Unreadable(f"send a list of at most {MAX_EVENTS} queries under `requests`")
    hits: list[dict[str, Any]] = []
    for request in requests:
        if isinstance(request, str):
            hits.append(dict(parse_query(request)))
        elif isinstance(request, dict):
            hits.append(dict(request))
        else:
            raise Unreadable("`requests` holds something else than queries")
    return hits


def _events(hit: dict[str, Any]) -> list[dict[str, Any]]:
    visitor = pop_text(hit, "cid", "_id")
    common = given(userId=pop_text(hit, "uid"), anonymousId=visitor, timestamp=_time(hit.pop("cdt", None)))
    is_titled = "action_name" in hit
    context = pop_context(hit, PLACES)
    width, _, height = (pop_text(hit, "res") or "").partition("x")
    context |= given(screen=given(width=number(width), height=number(height)))
    common |= given(context=context)
    kinds = list(_kinds(hit, is_titled))
    rest = {name: value for name, value in hit.items() if not NOT_KEPT.fullmatch(name)}
    return [
        {**kind, **common, "properties": keep({**shop_properties(kind.get("event"), own), **rest})}
        for kind, own in kinds
    ]


def _kinds(hit: dict[str, Any], is_titled: bool) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """The events of a hit: a type with its name, and its specific properties."""
    goal, revenue = pop_text(hit, "idgoal"), number(hit.pop("revenue", None))
    category, action, name = (pop_text(hit, field) for field in ("e_c", "e_a", "e_n"))
    value = number(hit.pop("e_v", None))
    search, link, download = (pop_text(hit, field) for field in ("search", "link", "download"))
    order, viewed, content = (_pop_texts(hit, names) for names in (ORDER, VIEWED, CONTENT))
    items = _items(hit.pop("ec_items", None))
    if pop_text(hit, "ping"):
        yield _track("Page Ping"), {}
    elif order.get("order_id"):
        yield _track("Order Completed"), given(**_numbers(order), revenue=revenue, products=items)
    elif goal == "0":
        yield _track("Cart Updated"), given(cart_value=revenue, products=items)
    elif goal:
        yield _track("Goal Converted"), given(goal_id=goal, revenue=revenue)
    elif action or category:
        named = event_name(action or category or "")
        own = given(category=category, label=name, value=value)
        yield _track(named), given(**{MEANING_OF_NAME.get(named, "label"): name}, **own)
    elif search:
        found = number(hit.pop("search_count", None))
        yield (
            _track("Products Searched"),
            given(query=search, category=pop_text(hit, "search_cat"), results=found),
        )
    elif download or link:
        yield _track("File Downloaded" if download else "Link Clicked"), {"url": download or link}
    elif content.get("content_name"):
        yield _track("Content Interacted" if content.get("content_interaction") else "Content Shown"), content
    elif viewed.get("product_id"):
        if is_titled:
            yield {"type": "page"}, {}
        yield _track("Product Viewed"), _numbers(viewed)
    elif text(hit.get("ca")):
        yield _track("Custom Action"), {}
    else:
        yield {"type": "page"}, viewed


def _track(name: str) -> dict[str, Any]:
    return given(type="track", event=text(name, MAX_EVENT_NAME))


def _pop_texts(hit: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return given(**{name: pop_text(hit, field) for field, name in names.items()})


def _numbers(fields: Mapping[str, Any]) -> dict[str, Any]:
    numbers = ("price", "subtotal", "tax", "shipping", "discount")
    return {name: number(value) if name in numbers else value for name, value in fields.items()}


def _items(value: Any) -> list[dict[str, Any]]:
    try:
        items = parse_json(value) if isinstance(value, str) else value
    except Unreadable:
        return []
    if not isinstance(items, list):
        return []
    return [given(**dict(zip(ITEM, item, strict=False))) for item in items if isinstance(item, list)]


def _time(value: Any) -> str | None:
    """Epoch seconds, or `2026-03-02 08:00:00` in UTC."""
    written = iso_time(value)
    return f"{written.replace(' ', 'T')}Z" if written and UTC_TIME.fullmatch(written) else written


def _read_hit(sent: Sent) -> Reading:
    if sent.body.lstrip()[:1] == b"{":
        return _read_bulk(sent)
    hit: dict[str, Any] = dict(sent.query)
    if sent.body.strip():
        hit |= parse_query(sent.body)
    if "rec" not in hit or "idsite" not in hit:
        raise Unreadable("send `idsite` and `rec=1`")
    wants_none = hit.get("send_image") == "0"
    return Reading(_events(dict(hit)), _key(hit), NO_CONTENT if wants_none else PIXEL)


def _read_bulk(sent: Sent) -> Reading:
    body = parse_object(sent.body)
    hits = _bulk_hits(body)
    keys = {_key(hit) for hit in hits}
    if len(keys) > 1:
        raise Unreadable("send the hits of one site at a time")
    key = text(body.get("token_auth")) or next(iter(keys), None)
    said = {"status": "success", "tracked": len(hits), "invalid": 0}
    return Reading([event for hit in hits for event in _events(hit)], key, Answer(orjson.dumps(said)))


def _key(hit: Mapping[str, Any]) -> str | None:
    return text(hit.get("token_auth")) or text(hit.get("idsite"))


PATHS = ("/matomo.php", "/piwik.php")
FORMS = (
    TrackerForm(
        name="matomo",
        summary="Matomo (Piwik): the query of a tracking request, the body of a bulk request",
        shape="`idsite` and `rec=1`; or a list `requests`",
        read=read_matomo,
        claims=lambda record: isinstance(record.get("requests"), list) and "type" not in record,
        claims_text=lambda value: QUERY.match(value.strip()) is not None,
        routes=(
            Route(PATHS, _read_hit, PIXEL, BodyKind.TEXT),
            Route(PATHS, _read_hit, PIXEL, BodyKind.NONE),
        ),
        senders={
            "Matomo": "the tracker URL to `https://collect.example/matomo.php`; the site id (or "
            "`token_auth`) to a "
            "write key"
        },
        user_fields=("uid", "cid", "_id"),
        fields={
            "`type`": "see below",
            "`userId`": "`uid`",
            "`anonymousId`": "`cid`, `_id`",
            "`timestamp`": "`cdt`; else when the collector took it",
            "`context.page`": "`url`, `urlref`, `action_name`",
            "`context.ip`, `userAgent`": "`cip`, `ua`",
            "`context.locale`, `timezone`": "`lang`",
            "`context.location`": "`country`, `region`, `city`",
            "`context.campaign`": "`_rcn`, `_rck`",
            "`context.screen`, `app`, `library`": "`res`",
        },
        becomes={
            "an event (`e_c`, `e_a`, `e_n`, `e_v`)": "track named by `e_a`; `e_n` is `product_id` in a "
            "shop's events "
            "and `query` in a search",
            "an order (`ec_id`)": "track `Order Completed`; `ec_items` are its `products`",
            "a cart (`idgoal=0`)": "track `Cart Updated`",
            "a goal (`idgoal`)": "track `Goal Converted`",
            "`search`": "track `Products Searched`",
            "`link`, `download`": "track `Link Clicked`, `File Downloaded`",
            "content (`c_n`, `c_i`)": "track `Content Shown`, `Content Interacted`",
            "a product's page (`_pks`)": "`page`, and track `Product Viewed`",
            "`ping=1`": "track `Page Ping`",
            "`ca=1` alone": "track `Custom Action`",
            "any other hit": "`page`",
        },
    ),
)
