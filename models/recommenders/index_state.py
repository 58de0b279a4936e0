"""The state of an index as bytes: its log of sessions; everything derived from the log is rebuilt."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream_app.models.recommenders.decayed_counts import DecayedCountsState
from stream_app.models.recommenders.index_limits import DecaySettings, Evictions, IndexLimits
from stream_app.models.recommenders.session_index import SessionIndex


class IndexState(msgspec.Struct):
    """All of a session index; arrays are little-endian bytes."""

    limits: IndexLimits
    decay: DecaySettings
    evictions: Evictions
    first_session: int
    next_session: int
    first_click: int
    next_click: int
    recency_landmark: float | None
    item_ids: list[str]
    free_numbers: list[int]
    click_items: bytes
    session_starts: bytes
    session_lengths: bytes
    session_ended_at: bytes
    session_owners: bytes
    popularity: DecayedCountsState


def pack_index(index: SessionIndex) -> IndexState:
    """Return the state of an index."""
    slots = np.arange(index.first_session, index.next_session) % index.limits.sessions
    clicks = np.arange(index.first_click, index.next_click)
    return IndexState(
        limits=index.limits,
        decay=index.decay,
        evictions=index.evictions,
        first_session=index.first_session,
        next_session=index.next_session,
        first_click=index.first_click,
        next_click=index.next_click,
        recency_landmark=index.session_recency.landmark,
        item_ids=index.item_ids,
        free_numbers=index.free_numbers,
        click_items=_pack(index.items_at(clicks), "<i4"),
        session_starts=_pack(index.session_starts[slots], "<i8"),
        session_lengths=_pack(index.session_lengths[slots], "<i8"),
        session_ended_at=_pack(index.session_ended_at[slots], "<f8"),
        session_owners=_pack(index.session_owners[slots], "<u8"),
        popularity=index.popularity.to_state(len(index.item_ids)),
    )


def unpack_index(state: IndexState) -> SessionIndex:
    """Return an index that answers and learns exactly as the packed one would have."""
    index = SessionIndex(state.limits, state.decay)
    index.evictions = state.evictions
    index.first_session, index.next_session = state.first_session, state.next_session
    index.first_click, index.next_click = state.first_click, state.next_click
    index.item_ids = state.item_ids
    index.free_numbers = state.free_numbers
    index.item_numbers = {item: number for number, item in enumerate(state.item_ids) if number and item}
    slots = np.arange(state.first_session, state.next_session) % state.limits.sessions
    index.session_starts[slots] = np.frombuffer(state.session_starts, "<i8")
    index.session_lengths[slots] = np.frombuffer(state.session_lengths, "<i8")
    index.session_ended_at[slots] = np.frombuffer(state.session_ended_at, "<f8")
    index.session_owners[slots] = np.frombuffer(state.session_owners, "<u8")
    index.session_recency.restore(state.recency_landmark)
    index.popularity.restore(state.popularity)
    index.rebuild_postings(np.frombuffer(state.click_items, "<i4"))
    return index


def _pack(values: NDArray[Any], dtype: str) -> bytes:
    return values.astype(dtype).tobytes()
