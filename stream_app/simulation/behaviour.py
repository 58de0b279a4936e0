"""What happens in a visit: pages, searches, carts, orders, identification, the tracker's own summary."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import numpy as np

from stream_app.simulation.catalogue import SITE, Catalogue, Page
from stream_app.simulation.devices import COUNTRIES, DEVICES
from stream_app.simulation.oracle import Route
from stream_app.simulation.population import Population
from stream_app.simulation.visits import Happening, Itinerary, Visitor

HOME = Page("/", "Shop Example")
CHECKOUT = Page("/checkout", "Checkout")
# What a product's page must have been open for to count as "Product Viewed".
VIEWED_MS = 10_000
MOST_SKEW_MS = 600_000
LEAK_SHARE = 0.004
BREAK_MS = 31 * 60_000

# Cumulated share, referrer, campaign of a visit's first page; the rest comes directly.
SOURCES: tuple[tuple[float, str, dict[str, str]], ...] = (
    (0.24, "https://www.google.com/", {}),
    (0.29, "https://duckduckgo.com/", {}),
    (0.37, "https://www.google.com/", {"source": "google", "medium": "cpc", "name": "spring_sale"}),
    (0.45, "", {"source": "newsletter", "medium": "email", "name": "weekly_digest"}),
    (0.51, "https://www.facebook.com/", {"source": "facebook", "medium": "paid_social", "name": "lookalike"}),
    (0.55, "https://news.example.org/reviews", {}),
)


class SessionSimulator:
    """Turns itineraries into happenings; keeps what a visit leaves behind for the next of its user."""

    def __init__(self, population: Population, catalogue: Catalogue, draws: Iterator[float]) -> None:
        self.population = population
        self.catalogue = catalogue
        self._draws = draws
        self._free_from: dict[int, int] = {}
        self._cart: dict[int, int] = {}
        self._introduced = np.zeros(population.settings.users, dtype=np.bool_)
        self._visits = 0

    def play(self, way: Itinerary, notification: dict[str, Any] | None) -> list[Happening]:
        """Happenings of one visit in order of time; `notification` is what it was opened from."""
        visitor = self._welcome(way)
        session = _Session(self, way, visitor, self._draws)
        session.arrive(notification)
        for step in range(len(way.items)):
            session.look_at(step)
        session.finish()
        self._free_from[way.user] = session.at_ms + BREAK_MS
        return session.happenings

    def pop_cart(self, user: int) -> int | None:
        """Item left in the user's cart by an earlier visit, which is then empty."""
        return self._cart.pop(user, None)

    def introduce(self, user: int) -> bool:
        """Whether the tracker has yet to learn the user's traits; from now on it has."""
        is_new = not self._introduced[user]
        self._introduced[user] = True
        return is_new

    def leave_cart(self, user: int, item: int) -> None:
        """Keep an item for a later visit's order."""
        self._cart[user] = item

    def _welcome(self, way: Itinerary) -> Visitor:
        """Fixed facts of a visit: device, address, cookie, clock."""
        people = self.population
        self._visits += 1
        device = DEVICES[people.devices[way.user, way.device_slot]]
        country = COUNTRIES[people.country[way.user]]
        # A clock is a device's property, so it must not change between its visits.
        lot = way.user * 2_654_435_761 + way.device_slot * 97
        skew_ms = lot // 10 % (2 * MOST_SKEW_MS) - MOST_SKEW_MS if lot % 10 == 0 else 0
        cookie = str(self._visits) if way.is_fresh and not way.is_first else ""
        context: dict[str, Any] = {
            "ip": people.address(way.user, device.is_mobile),
            "userAgent": device.user_agent,
            "locale": country.locale,
            "timezone": country.time_zone,
            "device": {"type": device.type},
            "os": {"name": device.os},
            "location": {"country": country.code},
        }
        if people.sends_session_events[way.user]:
            context["sessionId"] = f"s{self._visits:08d}"
        return Visitor(
            user=way.user,
            user_id=people.user_id(way.user),
            anonymous_id=people.anonymous_id(way.user, way.device_slot, cookie),
            context=context,
            start_ms=max(way.start_ms, self._free_from.get(way.user, 0)),
            is_app=device.is_app,
            latency_ms=20 + int(300 * next(self._draws) ** 3),
            clock_skew_ms=skew_ms,
            absence_ms=way.absence_ms,
        )


class _Session:
    """One visit while it is played."""

    def __init__(
        self, simulator: SessionSimulator, way: Itinerary, visitor: Visitor, draws: Iterator[float]
    ) -> None:
        self.happenings: list[Happening] = []
        self.at_ms = visitor.start_ms
        self._simulator = simulator
        self._catalogue = simulator.catalogue
        self._way = way
        self._visitor = visitor
        self._draws = draws
        self._is_known = not way.is_fresh
        self._page: Page | None = None
        self._referrer = ""
        self._page_views = 0
        steps = len(way.items)
        self._identify_after = int(steps * (0.35 + 0.65 * next(draws))) if way.is_fresh else -1
        self._bought: list[int] = []

    def arrive(self, notification: dict[str, Any] | None) -> None:
        """Land on the shop: from a notification, a campaign, another site, or directly."""
        landing = self._catalogue.pages[self._way.items[0]]
        if notification is not None:
            self._emit("Notification Opened", notification)
            self._visitor.context["campaign"] = {
                "source": "notification",
                "medium": notification["channel"],
                "name": notification["kind"],
            }
            self._pause(400)
            return
        luck = next(self._draws)
        for bound, referrer, campaign in SOURCES:
            if luck < bound:
                self._referrer = referrer
                if campaign:
                    self._visitor.context["campaign"] = campaign
                    self._page = self._tag(landing, campaign)
                return
        self._open(HOME)
        self._pause(6_000)
        self._click(self._way.items[0], "home")

    def look_at(self, step: int) -> None:
        """Come to an item, open its page and stay."""
        way = self._way
        item = way.items[step]
        if step and way.routes[step] == Route.JUMP:
            self._look_for(item)
        elif step and way.routes[step] == Route.NEIGHBOUR and next(self._draws) < 0.4:
            self._click(item, "related")
        self._open(
            self._page
            if step == 0 and self._page and self._page.item == item
            else self._catalogue.pages[item]
        )
        dwell = way.dwells[step]
        if dwell >= VIEWED_MS:
            self.at_ms += VIEWED_MS
            self._emit("Product Viewed", item)
            dwell -= VIEWED_MS
        self.at_ms += dwell
        is_new_here = not self._is_known and step >= self._identify_after
        if is_new_here or (self._is_known and self._simulator.introduce(way.user)):
            self._identify()
        is_last = step == len(way.items) - 1
        if (way.buys or way.adds) and (is_last or (way.buys and next(self._draws) < 0.15)):
            self._emit("Product Added", item)
            self._bought.append(item)
            self._pause(3_000)

    def finish(self) -> None:
        """Check out if the visit is to end so, and let the tracker sum up where it does."""
        way = self._way
        if way.buys:
            left = self._simulator.pop_cart(way.user)
            basket = self._basket(self._bought if left is None else [left, *self._bought])
            self._open(CHECKOUT)
            self._emit("Checkout Started", basket)
            self._pause(60_000)
            self._emit("Order Completed", basket)
        elif way.adds:
            self._simulator.leave_cart(way.user, self._bought[-1])
            if next(self._draws) < 0.25:
                self._open(CHECKOUT)
                self._emit("Checkout Started", self._basket(self._bought))
        if "sessionId" in self._visitor.context:
            seconds = round((self.at_ms - self._visitor.start_ms) / 1000)
            self._pause(500)
            self._emit("session", (self._page_views, seconds))

    def _basket(self, items: list[int]) -> dict[str, Any]:
        return {"order_id": f"o{self._visitor.start_ms:x}-{self._way.user}", "items": items}

    def _identify(self) -> None:
        self._is_known = True
        self._simulator.introduce(self._way.user)
        self._emit("identify", self._way.user)
        self._pause(300)
        if self._simulator.population.plan[self._way.user] == 2:
            self._emit("group", self._way.user)
            self._pause(300)

    def _look_for(self, item: int) -> None:
        if next(self._draws) < 0.6:
            query = self._catalogue.search_terms[item]
            luck = next(self._draws)
            if luck < 0.5:
                query = query.split(maxsplit=1)[1]
            elif luck > 1 - LEAK_SHARE:
                query = str(self._simulator.population.traits(self._way.user)["phone"])
            self._open(Page(f"/search?q={quote_plus(query)}", f"Search: {query}"))
            self._emit("Products Searched", query)
            self._pause(5_000)
            self._click(item, "search")
            return
        category = self._catalogue.category_names[item]
        self._open(Page(f"/{category}", category.title()))
        self._pause(8_000)
        self._click(item, "category")

    def _click(self, item: int, place: str) -> None:
        self._emit("Product Clicked", (item, place))
        self._pause(300)

    def _open(self, page: Page) -> None:
        if self._page is not None and self._page_views:
            self._referrer = SITE + self._page.path
        self._page = page
        self._page_views += 1
        self._emit("page", page.item)

    def _tag(self, page: Page, campaign: dict[str, str]) -> Page:
        """The page as a campaign's link opens it; some newsletters put the reader's address in the link."""
        query = (
            f"utm_source={campaign['source']}&utm_medium={campaign['medium']}&utm_campaign={campaign['name']}"
        )
        if campaign["medium"] == "email" and next(self._draws) < 0.1:
            query += f"&email={self._simulator.population.traits(self._way.user)['email']}"
        return page._replace(path=f"{page.path}?{query}")

    def _emit(self, kind: str, detail: Any) -> None:
        self.happenings.append(
            Happening(self.at_ms, kind, self._visitor, self._is_known, self._page, self._referrer, detail)
        )

    def _pause(self, typical_ms: int) -> None:
        self.at_ms += int(typical_ms * (0.5 + next(self._draws)))
