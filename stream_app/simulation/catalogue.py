"""Items with hidden attributes: a category's direction plus the item's own, and a Zipf popularity."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stream_app.simulation.settings import DAY_MS, SimulationSettings
from stream_app.simulation.time import format_time

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SITE = "https://shop.example.com"
DIMENSIONS = 8
# Category: typical price, and what is sold in it (search terms are made of these).
CATEGORIES: dict[str, tuple[float, tuple[str, ...]]] = {
    "laptops": (950.0, ("ultrabook", "workstation", "chromebook", "notebook")),
    "phones": (600.0, ("smartphone", "flip phone", "phone case", "charger")),
    "audio": (130.0, ("headphones", "earbuds", "speaker", "turntable")),
    "kitchen": (60.0, ("kettle", "blender", "skillet", "espresso maker")),
    "garden": (45.0, ("hose", "planter", "pruner", "lawn mower")),
    "running": (110.0, ("running shoes", "shorts", "hydration vest", "sports watch")),
    "cycling": (240.0, ("helmet", "bike light", "saddle", "road bike")),
    "books": (18.0, ("novel", "cookbook", "atlas", "biography")),
    "toys": (30.0, ("puzzle", "board game", "model train", "building set")),
    "beauty": (28.0, ("face cream", "perfume", "shampoo", "lipstick")),
    "finance": (12.0, ("budget planner", "tax guide", "loan calculator", "credit card wallet")),
    "courses": (80.0, ("python course", "drawing course", "spanish course", "statistics course")),
}
BRANDS = (
    "Arbel",
    "Boreal",
    "Cassia",
    "Dorado",
    "Elmhurst",
    "Fjordly",
    "Gantry",
    "Hadley",
    "Isola",
    "Juniper",
)
STYLES = ("classic", "compact", "deluxe", "light", "modern", "premium", "rugged", "smart", "urban", "vintage")
LATE_RELEASES = 0.15


class Page(NamedTuple):
    """A page of the shop."""

    path: str
    title: str
    item: int = -1


class Catalogue:
    """All items of a simulation, the ones released during the run included.

    Attributes:
        latent: hidden attributes, unit vectors (items, DIMENSIONS).
        log_popularity: natural logarithm of the Zipf weight (items,).
        released_on: day index on which an item first appears, 0 or earlier for the old stock (items,).
        centroids: hidden direction of each category (categories, DIMENSIONS).
    """

    def __init__(self, settings: SimulationSettings) -> None:
        draw = settings.generator("catalogue")
        count = settings.items
        self.settings = settings
        self.centroids = normalise(draw.normal(size=(len(CATEGORIES), DIMENSIONS)))
        self.category = draw.permutation(np.arange(count) % len(CATEGORIES))
        self.latent = normalise(self.centroids[self.category] + 0.28 * draw.normal(size=(count, DIMENSIONS)))
        self.log_popularity: Floats = -0.8 * np.log(1.0 + draw.permutation(count))
        late = draw.random(count) < LATE_RELEASES
        self.released_on = np.where(late, draw.integers(1, max(settings.days, 2), count), 0)
        self.brand = draw.integers(0, len(BRANDS), count)
        self.style = draw.integers(0, len(STYLES), count)
        self.noun = draw.integers(0, 4, count)
        typical = np.array([price for price, _ in CATEGORIES.values()])[self.category]
        self.price = np.round(typical * draw.lognormal(0.0, 0.5, count), 2).tolist()

    def item_id(self, item: int) -> str:
        """Identifier on the wire."""
        return f"p{item:05d}"

    @cached_property
    def item_ids(self) -> list[str]:
        """Identifiers by item index."""
        return [self.item_id(item) for item in range(len(self.category))]

    @cached_property
    def category_names(self) -> list[str]:
        """Category name by item index."""
        names = list(CATEGORIES)
        return [names[category] for category in self.category]

    @cached_property
    def brand_names(self) -> list[str]:
        """Brand name by item index."""
        return [BRANDS[brand] for brand in self.brand]

    @cached_property
    def search_terms(self) -> list[str]:
        """What someone who wants the item would type, by item index."""
        nouns = list(CATEGORIES.values())
        return [
            f"{STYLES[style]} {nouns[category][1][noun]}"
            for style, category, noun in zip(self.style, self.category, self.noun, strict=True)
        ]

    @cached_property
    def pages(self) -> list[Page]:
        """Product page by item index."""
        return [
            Page(f"/{category}/{item_id}", f"{brand} {term}", item)
            for item, (category, item_id, brand, term) in enumerate(
                zip(self.category_names, self.item_ids, self.brand_names, self.search_terms, strict=True)
            )
        ]

    def describe(self, item: int) -> dict[str, Any]:
        """Public record of an item, as a shop would export it."""
        page = self.pages[item]
        released_ms = self.settings.start_ms + int(self.released_on[item]) * DAY_MS
        return {
            "item_id": self.item_ids[item],
            "kind": "product",
            "title": page.title,
            "category": self.category_names[item],
            "brand": self.brand_names[item],
            "tags": self.search_terms[item].split(),
            "price": self.price[item],
            "available_at": format_time(released_ms),
            "attributes": {"url": SITE + page.path, "currency": "USD"},
        }


def normalise(vectors: Floats) -> Floats:
    """Rows scaled to length one."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
