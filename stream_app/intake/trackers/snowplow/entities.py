"""Entities of Snowplow events: those about shop and device that have a canonical place.

Source: Iglu Central, vendors com.snowplowanalytics.snowplow, …snowplow.ecommerce and nl.basjes (YAUAA).
"""

from __future__ import annotations

from typing import Any

from stream_app.intake.trackers.context_places import short_text
from stream_app.intake.trackers.field_values import given, text
from stream_app.intake.trackers.snowplow.self_describing import Described

CORE = "com.snowplowanalytics.snowplow"
SHOP = f"{CORE}.ecommerce"
YAUAA = "nl.basjes"

# Names that differ from Segment's; all other fields of these entities keep their names.
RENAMED: dict[str, dict[str, str]] = {
    "product": {"id": "product_id", "creative_id": "creative"},
    "transaction": {
        "transaction_id": "order_id",
        "discount_amount": "discount",
        "discount_code": "coupon",
    },
    "refund": {"transaction_id": "order_id", "refund_amount": "total", "refund_reason": "reason"},
    "promotion": {"id": "promotion_id", "creative_id": "creative", "slot": "position"},
    "checkout_step": {"delivery_method": "shipping_method", "coupon_code": "coupon"},
    "cart": {"total_value": "cart_value"},
}


def shop_properties(entities: list[Described]) -> tuple[dict[str, Any], list[Described]]:
    """Properties with Segment's names from the shop's entities, and the remaining entities.

    A single product goes into the properties themselves, several into `products`.
    """
    properties: dict[str, Any] = {}
    products: list[dict[str, Any]] = []
    others = []
    for entity in entities:
        if entity.vendor != SHOP or entity.name not in RENAMED:
            others.append(entity)
        elif entity.name == "product":
            products.append(_renamed(entity))
        else:
            properties |= _renamed(entity)
    if len(products) == 1:
        properties = {**products[0], **properties}
    elif products:
        properties["products"] = products
    return properties, others


def _renamed(entity: Described) -> dict[str, Any]:
    names = RENAMED[entity.name]
    return {names.get(name, name): value for name, value in entity.data.items() if value is not None}


def device_context(entities: list[Described]) -> tuple[dict[str, Any], list[Described]]:
    """Canonical context from the entities about session and device, and the remaining entities."""
    context: dict[str, Any] = {}
    others = []
    for entity in entities:
        found = _context_of(entity)
        if found is None:
            others.append(entity)
        else:
            context |= found
    return context, others


def _context_of(entity: Described) -> dict[str, Any] | None:
    def short(name: str) -> str | None:
        return short_text(entity.data.get(name))

    match entity.vendor, entity.name:
        case (str(), "client_session") if entity.vendor == CORE:
            return given(
                anonymousId=text(entity.data.get("userId")), sessionId=text(entity.data.get("sessionId"))
            )
        case (str(), "mobile_context") if entity.vendor == CORE:
            return given(
                device=given(
                    type="mobile", manufacturer=short("deviceManufacturer"), model=short("deviceModel")
                ),
                os=given(name=short("osType"), version=short("osVersion")),
            )
        case (str(), "yauaa_context") if entity.vendor == YAUAA:
            return given(
                device=given(type=short("deviceClass"), model=short("deviceName")),
                os=given(name=short("operatingSystemName"), version=short("operatingSystemVersion")),
                browser=given(name=short("agentName"), version=short("agentVersion")),
            )
    return None
