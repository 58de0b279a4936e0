"""Who is in which audience, in a data folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from stream_app.core.watching import standing, watch_of
from stream_app.definitions.file import Definitions
from stream_app.runtimes.embedded.store import Store


class Member(NamedTuple):
    """A user in an audience since an event time (epoch seconds)."""

    user_key: str
    since: float


def members_of(store: Store, name: str, definitions: Definitions, after: str = "") -> Iterator[Member]:
    """The members of an audience in the order of their keys, those behind `after` alone."""
    version = watch_of(definitions).version_of(name)
    found = (
        Member(user_key, since)
        for _, user_key, row in store.rows()
        if user_key > after and (since := standing(row).get(version)) is not None
    )
    yield from sorted(found)


def audience_sizes(store: Store, definitions: Definitions) -> dict[str, int]:
    """How many users are in each audience, by name."""
    watch = watch_of(definitions)
    counts = Counter(version for _, _, row in store.rows() for version in standing(row))
    return {audience.name: counts[watch.version_of(audience.name)] for audience in definitions.audiences}
