"""Google Analytics 4: the Measurement Protocol's JSON, and what `gtag` sends to `/g/collect`.

Source: Google's "Measurement Protocol (Google Analytics 4)" and "Recommended events". `gtag`'s parameters are
not documented; these were observed: shared fields in the URL, one event per line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stream_app.intake.trackers.commerce import event_name, shop_properties
from stream_app.intake.trackers.context_places import Place, pop_context, url_text, user_agent_text
from stream_app.intake.trackers.declaration import Answer, BodyKind, Reading, Route, Sent, TrackerForm
from stream_app.intake.trackers.field_values import MAX_EVENT_NAME, given, iso_time, number, pop_text, text
from stream_app.intake.trackers.json_records import MAX_EVENTS, Unreadable, parse_objects, require_objects
from stream_app.intake.trackers.kept_fields import keep
from stream_app.intake.trackers.query_strings import parse_query

MICROSECONDS_FROM = 2e13  # as milliseconds, larger numbers are after the year 2600
NO_CONTENT = Answer(b"", "text/plain", 204)
# Match only at the start: searching would scan the whole text from each character.
QUERY = re.compile(rb"(?=.*(?:^|[?&])v=2(?:&|$))(?=.*(?:^|[?&])tid=)(?=.*(?:^|[?&])cid=)", re.DOTALL)
GRANTED = {"GRANTED": True, "DENIED": False}
PURPOSES = {
    "analytics_storage": "analytics",
    "ad_personalization": "personalisation",
    "ad_user_data": "marketing",
    "ad_storage": "marketing",
}
HEARTBEAT = "user_engagement"
NAMES = {HEARTBEAT: "Page Ping"}
PLACES: dict[str, Place] = {
    "page_location": Place("page", "url", url_text),
    "page_referrer": Place("page", "referrer", url_text),
    "page_title": Place("page", "title"),
    "session_id": Place(None, "sessionId", text),
    "ga_session_id": Place(None, "sessionId", text),
    "language": Place(None, "locale"),
    "ip_override": Place(None, "ip"),
    "user_agent": Place(None, "userAgent", user_agent_text),
    "campaign_source": Place("campaign", "source"),
    "campaign_medium": Place("campaign", "medium"),
    "campaign": Place("campaign", "name"),
    "campaign_term": Place("campaign", "term"),
    "campaign_content": Place("campaign", "content"),
    "device_category": Place("device", "type"),
    "device_model": Place("device", "model"),
    "device_operating_system": Place("os", "name"),
    "device_operating_system_version": Place("os", "version"),
    "device_browser": Place("browser", "name"),
    "device_browser_version": Place("browser", "version"),
    "device_language": Place(None, "locale"),
    "user_location_country_id": Place("location", "country"),
    "user_location_region_id": Place("location", "region"),
    "user_location_city": Place("location", "city"),
}
# `gtag`'s parameters by the Measurement Protocol's names.
PARAMETERS: dict[str, str] = {
    "dl": "page_location",
    "dr": "page_referrer",
    "dt": "page_title",
    "sid": "session_id",
    "ul": "language",
    "_uip": "ip_override",
    "cs": "campaign_source",
    "cm": "campaign_medium",
    "cn": "campaign",
    "ck": "campaign_term",
    "cc": "campaign_content",
    "uap": "device_operating_system",
    "uapv": "device_operating_system_version",
    "uam": "device_model",
    "cu": "currency",
    "_et": "engagement_time_msec",
}
ITEM_PARAMETERS = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "ca": "item_category",
    "va": "item_variant",
    "pr": "price",
    "qt": "quantity",
    "cp": "coupon",
    "ds": "discount",
    "lp": "index",
    "ln": "item_list_name",
    "li": "item_list_id",
    "af": "affiliation",
}
ITEM_FIELDS = {"item_id": "product_id", "item_name": "name"} | {
    f"item_{name}": name for name in ("brand", "category", "variant")
}
ITEM_NUMBERS = frozenset({"price", "quantity", "discount", "index"})
EVENT_FIELDS = {"transaction_id": "order_id", "search_term": "query", "screen_name": "name"}
VALUE_IS_REVENUE = frozenset({"Order Completed", "Order Refunded"})


def read_google_analytics(value: bytes) -> list[dict[str, Any]]:
    """Events of a Measurement Protocol body, or of `gtag`: its query, and its events line by line below.

    Raises:
        Unreadable: it is neither.
    """
    if value.lstrip()[:1] in {b"{", b"["}:
        return [event for body in parse_objects(value) for event in _events_of_body(body)]
    query, *lines = value.strip().splitlines() or [b""]
    return _events_of_query(parse_query(query), lines)


def _events_of_body(body: dict[str, Any]) -> list[dict[str, Any]]:
    events = require_objects(body.get("events"), "events")
    shared: dict[str, Any] = {name: body[name] for name in ("ip_override", "user_agent") if name in body}
    for part in ("device", "user_location"):
        found = body.get(part)
        if isinstance(found, dict):
            shared |= {f"{part}_{name}": value for name, value in found.items()}
    who = given(
        userId=text(body.get("user_id")),
        anonymousId=text(body.get("client_id")) or text(body.get("app_instance_id")),
    )
    consent = body.get("consent")
    agreed = (
        {name: GRANTED.get(str(value).upper()) for name, value in consent.items()}
        if isinstance(consent, dict)
        else {}
    )
    traits = _traits(body.get("user_properties"))
    made = []
    for event in events:
        params = event.get("params")
        fields = {**shared, **(params if isinstance(params, dict) else {})}
        happened = event.get("timestamp_micros") or body.get("timestamp_micros")
        common = {**who, **given(timestamp=_time(happened))}
        made += _events(text(event.get("name")), fields, common, traits, agreed)
    return made


def _events_of_query(shared: dict[str, str], lines: Iterable[bytes]) -> list[dict[str, Any]]:
    own = [parse_query(line) for line in lines if line.strip()]
    if len(own) > MAX_EVENTS:
        raise Unreadable(f"{len(own)} events; at most {MAX_EVENTS} are accepted")
    made: list[dict[str, Any]] = []
    for place, parameters in enumerate(own or [{}]):
        made += _events_of_parameters({**shared, **parameters}, place)
    return made


def _events_of_parameters(parameters: dict[str, str], place: int) -> list[dict[str, Any]]:
    fields: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    items = []
    for name, value in parameters.items():
        kind, _, rest = name.partition(".")
        if kind in {"ep", "epn"} and rest:
            fields[rest] = number(value) if kind == "epn" else value
        elif kind in {"up", "upn"} and rest:
            traits[rest] = number(value) if kind == "upn" else value
        elif name in PARAMETERS:
            fields.setdefault(PARAMETERS[name], number(value) if name == "_et" else value)
        elif re.fullmatch(r"pr\d{1,3}", name):
            items.append(_item_of(value))
    if items:
        fields["items"] = items
    if parameters.get("uamb") in {"0", "1"}:
        fields["device_category"] = "mobile" if parameters["uamb"] == "1" else "desktop"
    width, _, height = parameters.get("sr", "").partition("x")
    # A page numbers its hits; with an event's place in its hit this identifies the event.
    page, hit = parameters.get("_p"), parameters.get("_s")
    numbered = f"{parameters.get('cid', '')}.{parameters.get('sid', '')}.{page}.{hit}.{place}"
    common = given(
        messageId=numbered if page and hit else None,
        userId=parameters.get("uid"),
        anonymousId=parameters.get("cid"),
        context=given(screen=given(width=number(width), height=number(height))),
    )
    return _events(parameters.get("en"), fields, common, traits, _consent_of(parameters.get("gcs", "")))


def _item_of(value: str) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for part in value.split("~"):
        name = ITEM_PARAMETERS.get(part[:2])
        if name is not None:
            item[name] = number(part[2:]) if name in ITEM_NUMBERS else part[2:]
    return item


def _consent_of(state: str) -> dict[str, bool | None]:
    """`G1` and a digit each for the storage of advertising and of analytics."""
    said = {"1": True, "0": False}
    if len(state) != 4 or not state.startswith("G1"):
        return {}
    return {"ad_storage": said.get(state[2]), "analytics_storage": said.get(state[3])}


def _events(
    name: str | None,
    fields: dict[str, Any],
    common: dict[str, Any],
    traits: dict[str, Any],
    agreed: Mapping[str, bool | None],
) -> list[dict[str, Any]]:
    context = {**common.get("context", {}), **pop_context(fields, PLACES)}
    preferences = {
        PURPOSES[kind]: said for kind, said in agreed.items() if kind in PURPOSES and said is not None
    }
    context |= given(consent=given(categoryPreferences=preferences))
    for written, ours in EVENT_FIELDS.items():
        if written in fields:
            fields.setdefault(ours, fields.pop(written))
    event = {**common, **given(context={**context, **given(traits=keep(traits))})}
    if name == "page_view":
        event["type"] = "page"
    elif name == "screen_view":
        event |= given(type="screen", name=pop_text(fields, "name", "firebase_screen", limit=1024))
    else:
        named = NAMES.get(name or "") or event_name(name or "")
        event |= given(type="track", event=text(named, MAX_EVENT_NAME))
    items = fields.pop("items", None)
    if isinstance(items, list):
        fields["products"] = [_product(item) for item in items if isinstance(item, dict)]
    if event.get("event") in VALUE_IS_REVENUE and "value" in fields:
        fields.setdefault("revenue", fields["value"])
    event["properties"] = keep(shop_properties(event.get("event"), fields))
    # Only a known user's traits show that the two ids belong to one person.
    if traits and common.get("userId"):
        who = {key: value for key, value in common.items() if key != "messageId"}
        return [{**who, "type": "identify", **given(context=context), "traits": keep(traits)}, event]
    return [event]


def _product(item: Mapping[str, Any]) -> dict[str, Any]:
    return {ITEM_FIELDS.get(name, name): value for name, value in item.items()}


def _traits(properties: Any) -> dict[str, Any]:
    if not isinstance(properties, dict):
        return {}
    return {
        name: found["value"]
        for name, found in properties.items()
        if isinstance(found, dict) and found.get("value") is not None
    }


def _time(micros: Any) -> str | None:
    epoch = number(micros)
    return iso_time(epoch / 1000 if epoch is not None and abs(epoch) > MICROSECONDS_FROM else micros)


def _read_measurement(sent: Sent) -> Reading:
    events = [event for body in parse_objects(sent.body) for event in _events_of_body(body)]
    return Reading(events, sent.query.get("api_secret"))


def _read_validated(sent: Sent) -> Reading:
    """A request to Google's validation server, which keeps nothing: a 200 says that it could be read."""
    return _read_measurement(sent)._replace(events=[], answer=Answer(b'{"validationMessages":[]}'))


def _read_gtag(sent: Sent) -> Reading:
    if not sent.query.get("tid"):
        raise Unreadable("send `tid`, the measurement id")
    return Reading(_events_of_query(dict(sent.query), sent.body.splitlines()), sent.query["tid"])


def _claims(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("events"), list) and ("client_id" in record or "app_instance_id" in record)


FORMS = (
    TrackerForm(
        name="google_analytics",
        summary="Google Analytics 4: the body of the Measurement Protocol; `gtag`'s query with its lines",
        shape="`events` with `client_id` or `app_instance_id`; a query with `v=2`, `tid` and `cid`",
        read=read_google_analytics,
        claims=_claims,
        claims_text=lambda value: (
            QUERY.match(value.strip().splitlines()[0] if value.strip() else b"") is not None
        ),
        routes=(
            Route(("/mp/collect",), _read_measurement, NO_CONTENT),
            Route(("/debug/mp/collect",), _read_validated, NO_CONTENT),
            Route(("/g/collect",), _read_gtag, NO_CONTENT, BodyKind.TEXT),
            Route(("/g/collect",), _read_gtag, NO_CONTENT, BodyKind.NONE),
        ),
        senders={
            "Google Analytics 4 (`gtag`)": "`server_container_url` to `https://collect.example`; the "
            "measurement id "
            "among the write keys",
            "Google Analytics 4 (Measurement Protocol)": "the address to "
            "`https://collect.example/mp/collect`; the "
            "API secret to a write key",
        },
        user_fields=("user_id", "uid", "client_id", "app_instance_id", "cid"),
        fields={
            "`type`": "see below",
            "`messageId`": "`gtag`'s `cid`, `sid`, `_p`, `_s` and the line",
            "`userId`": "`user_id`; `uid`",
            "`anonymousId`": "`client_id`, `app_instance_id`; `cid`",
            "`timestamp`": "`timestamp_micros`; else when the collector took it",
            "`context.sessionId`": "`session_id`; `sid`",
            "`context.page`": "`page_location`, `page_referrer`, `page_title`; `dl`, `dr`, `dt`",
            "`context.ip`, `userAgent`": "`ip_override`, `user_agent`; `_uip`",
            "`context.locale`, `timezone`": "`language`; `ul`",
            "`context.device`, `os`, `browser`": "`device`; `uamb`, `uam`, `uap`, `uapv`",
            "`context.location`": "`user_location`",
            "`context.campaign`": "`campaign_source`, …; `cs`, `cm`, `cn`, `ck`, `cc`",
            "`context.screen`, `app`, `library`": "`sr`",
            "`context.consent`": "`consent`; `gcs`",
            "`traits`": "`user_properties`; `up.…`, `upn.…`",
        },
        becomes={
            "`page_view`": "`page`",
            "`screen_view`": "`screen`",
            "`view_item`, `view_item_list`, `select_item`, `add_to_cart`, `begin_checkout`, `purchase`, "
            "`refund`, "
            "`search`, …": "track with Segment's name; `items` are its `products`, `value` the order's "
            "revenue",
            "`user_engagement`": "track `Page Ping`",
            "user properties of a known user": "`identify`, before the event",
        },
    ),
)
