"""Snowplow enriched events: the TSV of the pipeline, and the JSON of Snowplow's Analytics SDKs.

Source: Snowplow's "Enriched event format" (131 fields) and "Analytics SDK - event transformer", which
names contexts `contexts_<vendor>_<name>_<version>` and the event `unstruct_event_<vendor>_<name>_<version>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stream_app.intake.trackers.declaration import TrackerForm
from stream_app.intake.trackers.json_records import Unreadable, parse_objects
from stream_app.intake.trackers.snowplow.events import canonical_event
from stream_app.intake.trackers.snowplow.fields import ENRICHED_FIELDS, typed
from stream_app.intake.trackers.snowplow.self_describing import Described, unwrap_entities, unwrap_event

FEWEST_TABS = 101  # the format has only grown; a line with fewer fields is something else
CONTEXT_FIELDS = ("contexts", "derived_contexts")
# The SDK writes vendor and name in snake case alike, so only known vendors can be separated.
SHREDDED = re.compile(r"(contexts|unstruct_event)_(.+)_\d+")
VENDORS = (
    "com_snowplowanalytics_snowplow_ecommerce",
    "com_snowplowanalytics_snowplow",
    "com_snowplowanalytics_mobile",
    "nl_basjes",
)


def read_enriched(value: bytes) -> list[dict[str, Any]]:
    """Events of a TSV line, of a JSON object, or of an array of such objects.

    Raises:
        Unreadable: it is neither, or the line has too few or too many fields.
    """
    if value.lstrip()[:1] in {b"{", b"["}:
        return [_event_of_json(record) for record in parse_objects(value)]
    return [_event_of_line(value)]


def _event_of_line(value: bytes) -> dict[str, Any]:
    try:
        cells = value.decode().rstrip("\r\n").split("\t")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from None
    if not FEWEST_TABS < len(cells) <= len(ENRICHED_FIELDS):
        raise Unreadable(f"{len(cells)} fields; an enriched event has {len(ENRICHED_FIELDS)}")
    fields = {name: typed(name, cell) for name, cell in zip(ENRICHED_FIELDS, cells, strict=False) if cell}
    return _canonical(fields, None, [])


def _event_of_json(record: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    event, entities = None, []
    for name, value in record.items():
        shredded = SHREDDED.fullmatch(name)
        if shredded is None:
            if value is not None and value != "":
                fields[name] = typed(name, value)
        elif shredded[1] == "unstruct_event":
            event = _described(shredded[2], value)
        else:
            items = value if isinstance(value, list) else [value]
            entities += [entity for item in items if (entity := _described(shredded[2], item)) is not None]
    return _canonical(fields, event, entities)


def _described(name: str, data: Any) -> Described | None:
    if not isinstance(data, dict):
        return None
    for vendor in VENDORS:
        if name.startswith(f"{vendor}_"):
            return Described(vendor.replace("_", "."), name.removeprefix(f"{vendor}_"), data)
    return Described("", name, data)


def _canonical(fields: dict[str, Any], event: Described | None, entities: list[Described]) -> dict[str, Any]:
    unwrapped = unwrap_event(fields.pop("unstruct_event", None))
    for name in CONTEXT_FIELDS:
        entities = entities + unwrap_entities(fields.pop(name, None))
    return canonical_event(fields, event or unwrapped, entities)


def _claims(record: Mapping[str, Any]) -> bool:
    return "type" not in record and (
        "collector_tstamp" in record or ("event_id" in record and "app_id" in record)
    )


ENRICHED = TrackerForm(
    name="snowplow_enriched",
    summary="Snowplow enriched events: the TSV of 131 fields, JSON of the Analytics SDKs, JSON of "
    "Snowplow Micro",
    shape="more than 100 tabs; or `collector_tstamp`, or `event_id` with `app_id`",
    read=read_enriched,
    claims=_claims,
    claims_text=lambda value: value.count(b"\t") >= FEWEST_TABS,
    user_fields=("user_id", "domain_userid", "network_userid"),
    fields={
        "`type`": "see below",
        "`messageId`": "`event_id`",
        "`userId`": "`user_id`",
        "`anonymousId`": "`domain_userid`, `network_userid`; the `userId` of `client_session`",
        "`timestamp`": "`true_tstamp`, `derived_tstamp`",
        "`originalTimestamp`, `sentAt`": "`dvce_created_tstamp`, `dvce_sent_tstamp`",
        "`receivedAt`": "`collector_tstamp`",
        "`context.sessionId`": "`domain_sessionid`; `client_session`",
        "`context.page`": "`page_url`, `page_urlpath`, `page_referrer`, `page_title`",
        "`context.ip`, `userAgent`": "`user_ipaddress`, `useragent`",
        "`context.locale`, `timezone`": "`br_lang`, `os_timezone` or `geo_timezone`",
        "`context.device`, `os`, `browser`": "`dvce_type`, `os_name`, `br_family`, `br_version`; "
        "`mobile_context`, `yauaa_context`",
        "`context.location`": "`geo_country`, `geo_region`, `geo_city`",
        "`context.campaign`": "`mkt_source`, `mkt_medium`, `mkt_campaign`, `mkt_term`, `mkt_content`",
        "`context.screen`, `app`, `library`": "`dvce_screenwidth`, `app_id`, `name_tracker`, `v_tracker`",
    },
    becomes={
        "`page_view` (`pv`)": "`page`",
        "`screen_view`": "`screen`",
        "`page_ping` (`pp`)": "track `Page Ping`",
        "`transaction` (`tr`)": "track `Order Completed`; `total` and `revenue` are `tr_total`",
        "`transaction_item` (`ti`)": "track `Transaction Item`",
        "`struct` (`se`)": "track named by `se_action`; the label is `product_id` in a cart's events and "
        "`query` in a search",
        "self-describing event (`ue`)": "track named by its schema, its data in `properties`",
        "`snowplow_ecommerce_action` with its entities": "`Product Added`, `Product Removed`, "
        "`Product Viewed`, `Product List Viewed`, `Product Clicked`, `Promotion Viewed`, "
        "`Promotion Clicked`, `Checkout Step Viewed`, `Order Completed`, `Order Refunded`, "
        "`Transaction Error`; one product in `properties`, several in `products`",
    },
)
