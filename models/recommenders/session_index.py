"""The bounded log of closed sessions with an inverted index from item to its most recent clicks.

This is the index of VMIS-kNN (Kersbergen, Sprangers & Schelter, "Serenade - Low-Latency Session-Based
Recommendation in e-Commerce at Scale", SIGMOD 2022), with clicks in place of sessions in its posting lists,
so that what precedes and follows an item can be read off the same lists. Every source of recommendations is a
view of it: what is evicted or erased here disappears from all of them.
"""

import hashlib
import math
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream_app.models.recommenders.decayed_counts import DAY_SECONDS, DecayedCounts
from stream_app.models.recommenders.index_limits import DecaySettings, Evictions, IndexLimits
from stream_app.models.recommenders.item_postings import NO_POSITIONS, ItemPostings
from stream_app.models.recommenders.item_sums import NO_ITEM
from stream_app.models.recommenders.session_recency import SessionRecency
from stream_app.models.recommenders.types import FloatArray, IntArray

NO_OWNER = 0
REACH = 3  # a click's neighbours are this many clicks on either side
NEIGHBOUR_OFFSETS = np.array([offset for offset in range(-REACH, REACH + 1) if offset])


class Clicks(NamedTuple):
    """Positions of clicks, the number of clicks on either side in their sessions, and when those ended."""

    positions: IntArray
    preceding: IntArray
    following: IntArray
    ended_at: FloatArray


class SessionIndex:
    """A ring of clicks, a ring of sessions over it, and for each item where it was last clicked.

    Positions of clicks and numbers of sessions count from the first ever learned and never wrap; the place in
    a ring is the remainder. Items are numbered from 1, and numbers are reused.
    """

    def __init__(self, limits: IndexLimits | None = None, decay: DecaySettings | None = None) -> None:
        self.limits = limits or IndexLimits()
        self.decay = decay or DecaySettings()
        self.evictions = Evictions()
        self.click_ring_mask = (1 << math.ceil(math.log2(max(self.limits.clicks, 2)))) - 1
        self.click_items = np.zeros(self.click_ring_mask + 1, np.int32)
        self.click_sessions = np.zeros(self.click_ring_mask + 1, np.int32)
        self.session_starts = np.zeros(self.limits.sessions, np.int64)
        self.session_lengths = np.zeros(self.limits.sessions, np.int64)
        self.session_ended_at = np.zeros(self.limits.sessions, np.float64)
        self.session_owners = np.zeros(self.limits.sessions, np.uint64)
        self.first_session = self.next_session = 0
        self.first_click = self.next_click = 0
        self.live_sessions = 0
        self.item_numbers: dict[str, int] = {}
        self.item_ids: list[str] = [""]
        self.free_numbers: list[int] = []
        self.item_clicks = np.zeros(self.limits.items + 1, np.int64)
        self.item_last_click = np.full(self.limits.items + 1, -1, np.int64)
        # Views of the arrays, through which single numbers are read and written in half the time.
        self.item_click_counters = self.item_clicks.data
        self._item_last_clicks = self.item_last_click.data
        self._click_items, self._click_sessions = self.click_items.data, self.click_sessions.data
        self._session_starts, self._session_lengths = self.session_starts.data, self.session_lengths.data
        self._session_owners = self.session_owners.data
        self.session_recency = SessionRecency(self.session_ended_at, self.decay.session_half_life_days)
        self.recency_weights = self.session_recency.weights
        self._half_lives_per_second = 1 / (self.decay.session_half_life_days * DAY_SECONDS)
        self.popularity = DecayedCounts(
            self.limits.items + 1, self.decay.popularity_half_life_days, self.decay.popular_items
        )
        self.postings = ItemPostings(self.limits.clicks_per_item)
        self.postings.add_item()

    def learn_session(self, items: Sequence[str], ended_at: float, owner: str | None = None) -> list[int]:
        """Add a closed session and return the numbers of its items; an empty one changes nothing.

        Raises ValueError if `ended_at` (epoch seconds) is not finite.
        """
        if not math.isfinite(ended_at):
            raise ValueError(f"a session must have ended at a finite time, not {ended_at}")
        kept = items[-self.limits.clicks_per_session :]
        self.evictions.session_clicks += len(items) - len(kept)
        if not kept:
            return []
        self._make_room(len(kept))
        start = self.next_click
        slot = self.next_session % self.limits.sessions
        weight = self.popularity.weigh(ended_at)
        numbers: list[int] = []
        logged = 0
        for item in kept:
            number = self.item_numbers.get(item)
            if number is None:
                if len(self.item_numbers) >= self.limits.items:  # the item clicked longest ago is evicted
                    self._log_clicks(numbers[logged:], slot, weight)
                    logged = len(numbers)
                number = self._add_item(item)
            numbers.append(number)
        self._log_clicks(numbers[logged:], slot, weight)
        self._session_starts[slot] = start
        self._session_lengths[slot] = len(kept)
        self.session_ended_at[slot] = ended_at
        self.session_recency.weigh(slot, ended_at)
        self._session_owners[slot] = NO_OWNER if owner is None else owner_key(owner)
        self.next_session += 1
        self.live_sessions += 1
        return numbers

    def positions_of(self, number: int, most: int) -> IntArray:
        """Positions of the most recent clicks on an item, at most `most`, oldest first."""
        return self.postings.latest(number, most, self.first_click)

    def items_at(self, positions: IntArray) -> NDArray[np.int32]:
        """Item numbers of the clicks at live positions."""
        items: NDArray[np.int32] = self.click_items[positions & self.click_ring_mask]
        return items

    def neighbourhoods(self, positions: IntArray) -> tuple[NDArray[np.int32], FloatArray]:
        """Items near the clicks at live positions, and the weights of these clicks' sessions.

        The items are given as clicks x `NEIGHBOUR_OFFSETS`, NO_ITEM for none.
        """
        places = (positions[:, None] + NEIGHBOUR_OFFSETS) & self.click_ring_mask
        slots = self.slots_at(positions)
        near = self.click_items[places]
        near *= self.click_sessions[places] == slots[:, None]
        return near, self.recency_weights[slots]

    def slots_at(self, positions: IntArray) -> NDArray[np.int32]:
        """Places in the ring of sessions of the clicks at live positions."""
        slots: NDArray[np.int32] = self.click_sessions[positions & self.click_ring_mask]
        return slots

    def recency(self, ages: FloatArray) -> FloatArray:
        """Weights of sessions by how many seconds before a reference they ended; at most 1."""
        return np.exp2(np.minimum(ages * -self._half_lives_per_second, 0.0))

    def clicks_at(self, positions: IntArray) -> Clicks:
        """Return the clicks at live positions with their places in their sessions."""
        slots = self.slots_at(positions)
        preceding = positions - self.session_starts[slots]
        following = self.session_lengths[slots] - preceding - 1
        return Clicks(positions, preceding, following, self.session_ended_at[slots])

    def numbers_of(self, items: Collection[str]) -> list[int]:
        """Numbers of the items that the index knows, in order."""
        numbers = self.item_numbers
        return [numbers[item] for item in items if item in numbers]

    def click_share(self, item: str) -> float:
        """Return the share of an indexed item in the log's clicks; raise KeyError for any other item."""
        return self.item_click_counters[self.item_numbers[item]] / (self.next_click - self.first_click)

    def item_click_counts(self, numbers: IntArray) -> IntArray:
        """Numbers of live clicks on items."""
        return self.item_clicks[numbers]

    def rebuild_postings(self, click_items: NDArray[np.int32]) -> None:
        """Set the items of all live clicks and rebuild everything derived from them and the sessions."""
        self.click_items[self._live_positions() & self.click_ring_mask] = click_items
        slots = np.arange(self.first_session, self.next_session) % self.limits.sessions
        self.live_sessions = int(np.count_nonzero(self.session_lengths[slots]))
        held, rows = ragged_ranges(self.session_starts[slots], self.session_lengths[slots])
        self.click_sessions[held & self.click_ring_mask] = slots[rows]
        numbers = range(1, len(self.item_ids))
        self.item_clicks[: len(self.item_ids)] = np.bincount(click_items, minlength=len(self.item_ids))
        self.item_clicks[NO_ITEM] = 0
        for _ in numbers:
            self.postings.add_item()
        self._post_again(numbers)

    def forget(self, owner: str) -> int:
        """Erase the live sessions of an owner and return how many there were."""
        live = np.arange(self.first_session, self.next_session) % self.limits.sessions
        slots = live[self.session_owners[live] == owner_key(owner)]
        touched: set[int] = set()
        for slot in slots.tolist():
            touched |= self._erase(slot)
        self._post_again(touched)
        return len(slots)

    def _log_clicks(self, numbers: Sequence[int], slot: int, weight: float) -> None:
        """Add the next clicks of the newest session to the ring and to their items' counts."""
        click_items, click_sessions, mask = self._click_items, self._click_sessions, self.click_ring_mask
        last_clicks, counters = self._item_last_clicks, self.item_click_counters
        for position, number in enumerate(numbers, self.next_click):
            place = position & mask
            click_items[place] = number
            click_sessions[place] = slot
            last_clicks[number] = position
            counters[number] += 1
        self.evictions.item_clicks += self.postings.extend(numbers, self.next_click, self.first_click)
        self.next_click += len(numbers)
        self.popularity.add(numbers, weight)

    def _make_room(self, clicks: int) -> None:
        while self.first_session < self.next_session and (
            self.next_session - self.first_session >= self.limits.sessions
            or self.next_click - self.first_click + clicks > self.limits.clicks
        ):
            slot = self.first_session % self.limits.sessions
            self.evictions.sessions += bool(self.session_lengths[slot])
            self._erase(slot)
            self.first_session += 1
            following = self.first_session % self.limits.sessions
            emptied = self.first_session == self.next_session
            self.first_click = self.next_click if emptied else int(self.session_starts[following])

    def _erase(self, slot: int) -> set[int]:
        """Empty a session and return the numbers of its items."""
        length = int(self.session_lengths[slot])
        places = (self.session_starts[slot] + np.arange(length)) & self.click_ring_mask
        numbers = self.click_items[places].tolist()
        self.click_items[places] = NO_ITEM
        self.session_lengths[slot] = 0
        self.session_owners[slot] = NO_OWNER
        self.live_sessions -= bool(length)
        weight = self.popularity.weigh(float(self.session_ended_at[slot]))
        for number in numbers:
            if number != NO_ITEM:
                self.popularity.subtract(number, weight)
                self.item_click_counters[number] -= 1
                if not self.item_click_counters[number]:
                    self._release(number)
        return set(numbers)

    def _add_item(self, item: str) -> int:
        if len(self.item_numbers) >= self.limits.items:
            self._evict_stalest_items()
        if self.free_numbers:
            number = self.free_numbers.pop()
            self.item_ids[number] = item
        else:
            number = len(self.item_ids)
            self.item_ids.append(item)
            self.postings.add_item()
        self.item_numbers[item] = number
        return number

    def _evict_stalest_items(self) -> None:
        """Evict a batch of the items clicked longest ago, so that the search for them is rare."""
        numbers = np.fromiter(self.item_numbers.values(), np.int64, len(self.item_numbers))
        batch = max(1, self.limits.items // 100)
        order = np.argpartition(self.item_last_click[numbers], batch - 1)
        for number in numbers[order[:batch]].tolist():
            positions = self._all_positions_of(number)
            self.click_items[positions & self.click_ring_mask] = NO_ITEM
            self._release(number)
            self.evictions.items += 1

    def _all_positions_of(self, number: int) -> IntArray:
        if self.item_clicks[number] <= self.limits.clicks_per_item:
            return self.positions_of(number, self.limits.clicks_per_item)
        return self.first_click + np.flatnonzero(self.items_at(self._live_positions()) == number)

    def _live_positions(self) -> IntArray:
        return np.arange(self.first_click, self.next_click)

    def _release(self, number: int) -> None:
        del self.item_numbers[self.item_ids[number]]
        self.item_ids[number] = ""
        self.item_clicks[number] = 0
        self.popularity.drop(number)
        self._set_positions(number, NO_POSITIONS)
        self.free_numbers.append(number)

    def _post_again(self, numbers: Collection[int]) -> None:
        """Rebuild the posting lists of the remaining items from the log, in one pass."""
        wanted = np.zeros(len(self.item_ids), np.bool_)
        wanted[list(numbers)] = True
        wanted[NO_ITEM] = False
        log = self.items_at(self._live_positions())
        places = np.flatnonzero(wanted[log])
        places = places[np.argsort(log[places], kind="stable")]
        found, firsts = np.unique(log[places], return_index=True)
        for number, by_item in zip(found.tolist(), np.split(places, firsts[1:]), strict=False):
            self._set_positions(number, self.first_click + by_item)

    def _set_positions(self, number: int, positions: IntArray) -> None:
        self.postings.replace(number, positions)
        self.item_last_click[number] = positions[-1] if len(positions) else -1


@lru_cache(maxsize=1_024)  # each session's owner is looked up repeatedly
def owner_key(owner: str) -> int:
    """Return the 64-bit digest that replaces an owner's name."""
    digest = hashlib.blake2b(owner.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def ragged_positions(starts: IntArray, lengths: IntArray) -> IntArray:
    """Concatenate `range(start, start + length)` of each pair."""
    ends = lengths.cumsum()
    shifts = starts - ends
    shifts += lengths
    positions: IntArray = np.arange(ends[-1]) + shifts.repeat(lengths)
    return positions


def ragged_ranges(starts: IntArray, lengths: IntArray) -> tuple[IntArray, IntArray]:
    """Concatenate `range(start, start + length)` of each pair; return it and the row of each element."""
    rows = np.arange(len(starts)).repeat(lengths)
    shifts = starts - lengths.cumsum()
    shifts += lengths
    return np.arange(len(rows)) + shifts[rows], rows
