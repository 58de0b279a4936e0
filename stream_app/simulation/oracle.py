"""How people choose their next item, both to simulate the choice and to know its probabilities."""

from datetime import datetime
from enum import IntEnum
from functools import lru_cache

import numpy as np

from stream_app.simulation.catalogue import Catalogue, Floats, Integers
from stream_app.simulation.population import Population
from stream_app.simulation.settings import SimulationSettings

REPEAT = 0.22
JUMP = 0.13
ENTRIES = 150
NEIGHBOURS = 24
NEIGHBOUR_BLOCK = 2_000
SIMILARITY_WEIGHT = 4.0
POPULARITY_WEIGHT = 0.5
FRESH_DAYS = 3
FRESH_BONUS = 0.8


class Route(IntEnum):
    """How an item was come by."""

    REPEAT = 0
    JUMP = 1
    NEIGHBOUR = 2


class Market:
    """Items on offer on one day and the odds of choosing among them.

    From a current item people stay with probability REPEAT, jump (by search or category page) to any of
    the day's entries with JUMP, and go to a neighbour of the current item otherwise; entries and
    neighbours are chosen by the softmax of hidden taste, popularity, freshness and likeness.
    """

    def __init__(self, catalogue: Catalogue, day: int) -> None:
        self.catalogue = catalogue
        on_sale = np.flatnonzero(catalogue.released_on <= day)
        age = day - catalogue.released_on
        fresh = FRESH_BONUS * ((catalogue.released_on > 0) & (age >= 0) & (age < FRESH_DAYS))
        appeal = catalogue.log_popularity + fresh
        order = np.argsort(-appeal[on_sale], kind="stable")
        self.entries = on_sale[order[:ENTRIES]]
        self._entry_logits = appeal[self.entries]
        self._entry_latent = catalogue.latent[self.entries]
        self._link(on_sale, POPULARITY_WEIGHT * appeal)

    def _link(self, on_sale: Integers, appeal: Floats) -> None:
        """Give each item on sale its most attractive neighbours and their logits without taste."""
        latent = self.catalogue.latent
        width = min(NEIGHBOURS, len(on_sale) - 1)
        self.neighbours = np.zeros((len(latent), width), dtype=np.int64)
        self._neighbour_logits = np.zeros((len(latent), width))
        for first in range(0, len(on_sale), NEIGHBOUR_BLOCK):
            block = on_sale[first : first + NEIGHBOUR_BLOCK]
            logits = SIMILARITY_WEIGHT * (latent[block] @ latent[on_sale].T) + appeal[on_sale]
            logits[np.arange(len(block)), np.arange(first, first + len(block))] = -np.inf
            nearest = np.argsort(-logits, axis=1, kind="stable")[:, :width]
            self.neighbours[block] = on_sale[nearest]
            self._neighbour_logits[block] = np.take_along_axis(logits, nearest, axis=1)

    def entry_probabilities(self, taste: Floats) -> Floats:
        """Probabilities of `entries` for tastes of shape (n, DIMENSIONS): (n, entries)."""
        return softmax(taste @ self._entry_latent.T + self._entry_logits)

    def neighbour_probabilities(self, taste: Floats, current: Integers) -> Floats:
        """Probabilities of `neighbours[current]` for n tastes and current items: (n, neighbours)."""
        liking = np.einsum("nd,nkd->nk", taste, self.catalogue.latent[self.neighbours[current]])
        return softmax(liking + self._neighbour_logits[current])

    def choose_entries(self, taste: Floats, draw: np.random.Generator) -> Integers:
        """First item of each of n visits."""
        return self.entries[pick(self.entry_probabilities(taste), draw)]

    def choose_next(
        self, taste: Floats, current: Integers, draw: np.random.Generator
    ) -> tuple[Integers, Integers]:
        """Next item of each of n visits, and the `Route` by which it was come by."""
        route = np.searchsorted([REPEAT, REPEAT + JUMP], draw.random(len(current)), side="right")
        chosen = current.copy()
        jumps = np.flatnonzero(route == Route.JUMP)
        chosen[jumps] = self.choose_entries(taste[jumps], draw)
        walks = np.flatnonzero(route == Route.NEIGHBOUR)
        picked = pick(self.neighbour_probabilities(taste[walks], current[walks]), draw)
        chosen[walks] = self.neighbours[current[walks], picked]
        return chosen, route


class ClickOracle:
    """Probabilities of the next click by someone who knows the hidden tastes.

    Exactly the odds that the simulation draws from: rebuild it from the settings in the truth's first
    line (`read_settings`). Bots are outside of it.
    """

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = settings
        self.catalogue = Catalogue(settings)
        self.population = Population(settings, self.catalogue)
        self.item_ids = self.catalogue.item_ids
        self._index = {item_id: item for item, item_id in enumerate(self.item_ids)}
        self._market = lru_cache(maxsize=2)(lambda day: Market(self.catalogue, day))

    def click_probabilities(self, user_id: str, current_item: str | None, at: datetime) -> Floats:
        """Probability of each item, in the order of `item_ids`, to be the next one (summing to 1).

        `current_item` None asks for the first item of a visit. ValueError for an unknown user, KeyError
        for an unknown item.
        """
        market = self._market(self.settings.day_of(at))
        taste = self.population.taste[[self.population.index_of(user_id)]]
        probabilities = np.zeros(len(self.item_ids))
        probabilities[market.entries] = market.entry_probabilities(taste)[0]
        if current_item is None:
            return probabilities
        current = np.array([self._index[current_item]])
        probabilities *= JUMP
        near = market.neighbour_probabilities(taste, current)[0]
        probabilities[market.neighbours[current[0]]] += (1 - REPEAT - JUMP) * near
        probabilities[current[0]] += REPEAT
        return probabilities

    def click_rate(self, user_id: str, current_item: str | None, at: datetime, shown: list[str]) -> float:
        """Probability that the next item is among `shown`; items that do not exist add nothing."""
        probabilities = self.click_probabilities(user_id, current_item, at)
        known = {self._index[item_id] for item_id in shown if item_id in self._index}
        return float(sum(probabilities[item] for item in known))

    def best_items(self, user_id: str, current_item: str | None, at: datetime, count: int) -> list[str]:
        """The `count` likeliest next items, likeliest first: no list of that length has a higher rate."""
        probabilities = self.click_probabilities(user_id, current_item, at)
        order = np.argsort(-probabilities, kind="stable")[:count]
        return [self.item_ids[item] for item in order]


def softmax(logits: Floats) -> Floats:
    """Softmax along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def pick(probabilities: Floats, draw: np.random.Generator) -> Integers:
    """One column index for each row of probabilities."""
    bounds = probabilities.cumsum(axis=1)
    target = draw.random((len(probabilities), 1)) * bounds[:, -1:]
    chosen: Integers = (bounds <= target).sum(axis=1)
    return chosen
