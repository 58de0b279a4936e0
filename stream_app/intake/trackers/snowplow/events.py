"""A Snowplow event in its canonical fields, turned into one of ours.

Source: Snowplow's "Canonical event model"; event names after Segment's specifications.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from stream_app.intake.trackers.commerce import event_name
from stream_app.intake.trackers.context_places import MAX_TEXT, Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.field_values import (
    MAX_EVENT_NAME,
    given,
    number,
    pop_id,
    pop_text,
    real_id,
    text,
)
from stream_app.intake.trackers.kept_fields import keep
from stream_app.intake.trackers.snowplow.consent import preferences_of
from stream_app.intake.trackers.snowplow.entities import CORE, device_context, shop_properties
from stream_app.intake.trackers.snowplow.self_describing import Described

# Fields of the pipeline itself, or duplicates.
NOT_KEPT = (
    "etl_tstamp",
    "etl_tags",
    "v_collector",
    "v_etl",
    "event_fingerprint",
    "event_format",
    "event_version",
    "user_fingerprint",
    "mac",
    "page_urlscheme",
    "page_urlhost",
    "page_urlport",
    "page_urlquery",
    "page_urlfragment",
    "geo_location",
)
PLACES: dict[str, Place] = {
    "user_ipaddress": Place(None, "ip"),
    "useragent": Place(None, "userAgent", user_agent_text),
    "br_lang": Place(None, "locale"),
    "os_timezone": Place(None, "timezone"),
    "geo_timezone": Place(None, "timezone"),
    "page_url": Place("page", "url", url_text),
    "page_urlpath": Place("page", "path", url_text),
    "page_referrer": Place("page", "referrer", url_text),
    "page_title": Place("page", "title"),
    "dvce_type": Place("device", "type"),
    "os_name": Place("os", "name"),
    "os_family": Place("os", "name"),
    "br_family": Place("browser", "name"),
    "br_name": Place("browser", "name"),
    "br_version": Place("browser", "version"),
    "geo_country": Place("location", "country"),
    "geo_region": Place("location", "region"),
    "geo_city": Place("location", "city"),
    "mkt_source": Place("campaign", "source"),
    "mkt_medium": Place("campaign", "medium"),
    "mkt_campaign": Place("campaign", "name"),
    "mkt_term": Place("campaign", "term"),
    "mkt_content": Place("campaign", "content"),
    "dvce_screenwidth": Place("screen", "width", number),
    "dvce_screenheight": Place("screen", "height", number),
    "app_id": Place("app", "name"),
    "name_tracker": Place("library", "name"),
    "v_tracker": Place("library", "version"),
}
ORDER_FIELDS = {
    "tr_orderid": "order_id",
    "tr_affiliation": "affiliation",
    "tr_total": "total",
    "tr_tax": "tax",
    "tr_shipping": "shipping",
    "tr_currency": "currency",
}
ORDER_ITEM_FIELDS = {
    "ti_orderid": "order_id",
    "ti_sku": "product_id",
    "ti_name": "name",
    "ti_category": "category",
    "ti_price": "price",
    "ti_quantity": "quantity",
    "ti_currency": "currency",
}
STRUCTURED_FIELDS = {
    "se_category": "category",
    "se_label": "label",
    "se_property": "property",
    "se_value": "value",
}
# A structured event's label is "the object the action is performed on".
MEANING_OF_LABEL = {
    "Product Added": "product_id",
    "Product Removed": "product_id",
    "Products Searched": "query",
}
CART_NAMES = {"sku": "product_id", "unitPrice": "price"}
SCREEN_VIEW = "screen_view"
REDIRECT = "uri_redirect"  # a link that led through the collector
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", re.ASCII)


def canonical_event(
    fields: dict[str, Any], event: Described | None, entities: list[Described]
) -> dict[str, Any]:
    """One event of the contract, without a type if Snowplow's is unknown, and without a name if unreadable.

    Args:
        fields: canonical fields by name, times in ISO 8601; fields that are used are removed. event: the
        self-describing event, if it is one. entities: the attached entities.
    """
    for name in NOT_KEPT:
        fields.pop(name, None)
    shop, entities = shop_properties(entities)
    device, entities = device_context(entities)
    session_user = device.pop("anonymousId", None)
    session_id = pop_id(fields, "domain_sessionid", also=device.pop("sessionId", None))
    user_id = pop_text(fields, "user_id")
    anonymous_id = pop_id(fields, "domain_userid", "network_userid", also=session_user)
    if user_id is None:  # of somebody who is tracked anonymously the session is all that is known
        anonymous_id = real_id(anonymous_id, session_id)
    common = given(
        messageId=pop_text(fields, "event_id"),
        userId=user_id,
        anonymousId=anonymous_id,
        **_times(fields),
        context={
            **given(sessionId=session_id),
            **_context(fields, device),
            **given(consent=given(categoryPreferences=preferences_of(event))),
        },
    )
    kind = pop_text(fields, "event")
    fields.pop("event_name", None)
    fields.pop("event_vendor", None)
    typed, own = _typed_event(kind, fields, event)
    properties = dict(own)
    for further in (shop, fields, _named(entities)):
        properties |= {name: value for name, value in further.items() if name not in properties}
    return {**typed, **common, "properties": keep(properties)}


def _typed_event(
    kind: str | None, fields: dict[str, Any], event: Described | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The type with its name, and the event's specific properties."""
    match kind:
        case "page_view":
            return {"type": "page"}, {}
        case "page_ping":
            return _track("Page Ping"), {}
        case "transaction":
            order = _pop_fields(fields, ORDER_FIELDS)
            return _track("Order Completed"), given(**order, revenue=order.get("total"))
        case "transaction_item":
            return _track("Transaction Item"), _pop_fields(fields, ORDER_ITEM_FIELDS)
        case "struct":
            action = pop_text(fields, "se_action")
            own = _pop_fields(fields, STRUCTURED_FIELDS)
            name = event_name(action) if action else None
            meaning = MEANING_OF_LABEL.get(name or "")
            return _track(name), own if meaning is None else given(**{meaning: own.get("label")}, **own)
        case "unstruct":
            return _self_described(event)
        case _:
            return {}, {}


def _self_described(event: Described | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if event is None:
        return _track(None), {}
    data = event.data
    if event.name == SCREEN_VIEW:
        return given(type="screen", name=text(data.get("name"), MAX_TEXT)), data
    if event.name == "snowplow_ecommerce_action":
        name = event_name(text(data.get("type")) or "")
        return _track(name), {"list_id": text(data.get("name")), **_without(data, "type", "name", "list_id")}
    if event.name == REDIRECT:
        return _track("Link Clicked"), {"url": data.get("uri")}
    if event.vendor == CORE:
        data = {CART_NAMES.get(name, name): value for name, value in data.items()}
        if event.name == "site_search" and isinstance(data.get("terms"), list):
            data["query"] = " ".join(term for term in data["terms"] if isinstance(term, str))
    return _track(event_name(event.name)), data


def _track(name: str | None) -> dict[str, Any]:
    return given(type="track", event=text(name, MAX_EVENT_NAME))


def _pop_fields(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {name: fields.pop(field) for field, name in names.items() if field in fields}


def _without(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def _named(entities: list[Described]) -> dict[str, Any]:
    """Entities by name; several with the same name as a list."""
    named: dict[str, list[dict[str, Any]]] = {}
    for entity in entities:
        named.setdefault(entity.name, []).append(entity.data)
    return {name: data[0] if len(data) == 1 else data for name, data in named.items()}


def _times(fields: dict[str, Any]) -> dict[str, str | None]:
    """Snowplow's derived time, or else the device's two times, from which the core derives it likewise."""
    derived = _pop_time(fields, "derived_tstamp")
    true = _pop_time(fields, "true_tstamp")
    created = _pop_time(fields, "dvce_created_tstamp")
    sent = _pop_time(fields, "dvce_sent_tstamp")
    collected = _pop_time(fields, "collector_tstamp")
    if true or derived:
        return {"timestamp": true or derived, "receivedAt": collected}
    if created and sent:
        return {"originalTimestamp": created, "sentAt": sent, "receivedAt": collected}
    return {"timestamp": created or collected, "receivedAt": collected}


def _pop_time(fields: dict[str, Any], name: str) -> str | None:
    """A time of the TSV (`2013-11-26 00:02:05.123`, in UTC) or of the SDK's JSON, in ISO 8601 with a zone."""
    written = pop_text(fields, name)
    return f"{written.replace(' ', 'T')}Z" if written and UTC_TIME.fullmatch(written) else written


def _context(fields: dict[str, Any], device: dict[str, Any]) -> dict[str, Any]:
    context = {**device, **pop_context(fields, PLACES)}
    page = context.get("page")
    if page is not None and "path" not in page:
        page |= given(path=_path_of(page.get("url")))
    return context


def _path_of(url: str | None) -> str | None:
    try:
        return urlsplit(url).path or None if url else None
    except ValueError:  # such as an unfinished IPv6 address
        return None
