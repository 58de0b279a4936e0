"""Happenings as events in the JSON form of Segment and RudderStack.

Names and properties of tracked events follow Segment's e-commerce specification.
"""

from collections import Counter
from typing import Any

from stream_app.simulation.catalogue import SITE, Catalogue, Page
from stream_app.simulation.delivery import Arrival
from stream_app.simulation.population import PLANS, Population
from stream_app.simulation.time import format_time
from stream_app.simulation.visits import Happening

Event = dict[str, Any]


class EventWriter:
    """Renders arrivals as wire events."""

    def __init__(self, population: Population, catalogue: Catalogue) -> None:
        self._population = population
        self._catalogue = catalogue

    def render(self, arrival: Arrival) -> Event:
        """The event as it arrives; `timestamp` is corrected for the device's clock as Segment does."""
        happening, visitor = arrival.happening, arrival.happening.visitor
        event: Event = {"type": "track", "messageId": arrival.message_id}
        if visitor.anonymous_id is not None:
            event["anonymousId"] = visitor.anonymous_id
        if happening.is_known:
            event["userId"] = visitor.user_id
        self._describe(event, happening)
        page = happening.page
        if page is None:
            event["context"] = visitor.context
        else:
            event["context"] = {
                **visitor.context,
                "page": {
                    "url": SITE + page.path,
                    "path": page.path.partition("?")[0],
                    "referrer": happening.referrer,
                    "title": page.title,
                },
            }
        event["originalTimestamp"] = format_time(happening.at_ms + visitor.clock_skew_ms)
        event["sentAt"] = format_time(arrival.sent_ms + visitor.clock_skew_ms)
        event["receivedAt"] = format_time(arrival.received_ms)
        event["timestamp"] = format_time(happening.at_ms + arrival.received_ms - arrival.sent_ms)
        return event

    def _describe(self, event: Event, happening: Happening) -> None:
        """Add what is particular to the kind of event."""
        kind, detail = happening.kind, happening.detail
        match kind:
            case "page" if happening.page is not None:
                event["type"] = "screen" if happening.visitor.is_app else "page"
                event["name"] = happening.page.title
                event["properties"] = self._page_properties(happening.page, happening.referrer)
            case "identify":
                event["type"] = kind
                event["traits"] = self._population.traits(detail)
            case "group":
                event["type"] = kind
                event["groupId"] = f"company-{detail % 97}"
                event["traits"] = {"name": f"Company {detail % 97}", "plan": PLANS[2]}
            case "session":
                event["type"] = kind
                page_views, seconds = detail
                session_id = happening.visitor.context["sessionId"]
                event["properties"] = {"sessionId": session_id, "pageViews": page_views, "duration": seconds}
            case "label":
                event["type"] = kind
                event["properties"] = {"target": "engagement_tier", "value": detail}
            case _:
                event["event"] = kind
                event["properties"] = self._track_properties(kind, detail)

    def _page_properties(self, page: Page, referrer: str) -> Event:
        properties = {
            "url": SITE + page.path,
            "path": page.path.partition("?")[0],
            "title": page.title,
            "referrer": referrer,
        }
        if page.item >= 0:
            properties["product_id"] = self._catalogue.item_ids[page.item]
            properties["category"] = self._catalogue.category_names[page.item]
        return properties

    def _track_properties(self, kind: str, detail: Any) -> Event:
        match kind:
            case "Notification Sent" | "Notification Opened" | "Course Started" | "Course Completed":
                return dict(detail)
            case "Products Searched":
                return {"query": detail}
            case "Product Clicked":
                item, place = detail
                return {**self._product(item), "list_id": place}
            case "Checkout Started" | "Order Completed":
                return self._order(kind, detail)
            case "Product Added":
                return {**self._product(detail), "quantity": 1}
            case _:
                return self._product(detail)

    def _product(self, item: int) -> Event:
        catalogue = self._catalogue
        return {
            "product_id": catalogue.item_ids[item],
            "category": catalogue.category_names[item],
            "brand": catalogue.brand_names[item],
            "price": catalogue.price[item],
        }

    def _order(self, kind: str, basket: dict[str, Any]) -> Event:
        quantities = Counter(basket["items"])
        revenue = round(sum(self._catalogue.price[item] * count for item, count in quantities.items()), 2)
        return {
            "order_id": basket["order_id"],
            ("revenue" if kind == "Order Completed" else "value"): revenue,
            "currency": "USD",
            "products": [{**self._product(item), "quantity": count} for item, count in quantities.items()],
        }
