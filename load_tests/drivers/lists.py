"""CPU time of one list of ten, from its occasion to its items, by a recommender that learns between lists.

    drivers.lists SESSIONS COUNT

Prints microseconds per list. Each list is requested in the middle of a session that is learned afterwards,
for a user whose earlier items are known.
"""

from __future__ import annotations

import sys
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from time import thread_time
from typing import Any, NamedTuple

from .names import find
from .streams import (
    PASSES,
    JsonObject,
    endless_sessions,
    learner_of,
    least,
    new_recommender,
    read_values,
    record_of,
)

BEFORE = 6_000
ITEMS = 10
HISTORY = 20


class Visit(NamedTuple):
    """A list's occasion, and the record of the session in which it was requested."""

    occasion: Any
    record: Any


def main(path: str, count: int) -> None:
    """Print the minimum cost over several passes."""
    sessions = endless_sessions(read_values(path))
    before, topic = min(BEFORE, 10 * count), find("SESSIONS").name
    known = [record_of(session, topic, offset) for offset, session in enumerate(islice(sessions, before))]
    visits = list(islice(_visits(sessions, topic, before), count))
    find("collect_seldom")()
    passes = [_pass(known, visits) for _ in range(PASSES)]
    print(least(passes) * 1e6 / count)  # noqa: T201


def _visits(sessions: Iterator[JsonObject], topic: str, first_offset: int) -> Iterator[Visit]:
    make_occasion = find("Occasion")
    histories: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=HISTORY))
    with_items = (session for session in sessions if session["items"])
    for number, session in enumerate(with_items):
        items, history = session["items"], histories[session["user_key"]]
        occasion = make_occasion(
            session_items=items[: 1 + number % len(items)],
            at=datetime.fromisoformat(session["ended_at"]).timestamp(),
            seed=session["id"],
            user=session["user_key"],
            user_history=list(history),
            device=session.get("device"),
            country=session.get("country"),
        )
        history.extend(items)
        yield Visit(occasion, record_of(session, topic, first_offset + number))


def _pass(known: list[Any], visits: list[Visit]) -> list[float]:
    """Teach a new recommender, then time its lists one by one."""
    fed = new_recommender()
    learn = learner_of(fed)
    learn(known)
    seconds, full = [], 0
    for visit in visits:
        begun_at = thread_time()
        listed = fed.recommender.recommend(visit.occasion, ITEMS)
        seconds.append(thread_time() - begun_at)
        full += len(listed) == ITEMS
        learn([visit.record])
    if full < 0.9 * len(visits):
        raise SystemExit(f"only {full} of {len(visits)} lists had {ITEMS} items")
    return seconds


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
