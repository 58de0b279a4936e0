"""CPU time of a worker for one closed session, from its record's bytes to judged and learned.

    drivers.sessions SESSIONS COUNT

Prints microseconds per session. Fewer and fewer clicks are judged, so the recommender first learns `BEFORE`
sessions.
"""

from __future__ import annotations

import sys
from itertools import islice
from time import thread_time

from .names import find
from .streams import PASSES, endless_sessions, learner_of, least, new_recommender, read_values, record_of

BEFORE = 6_000
BATCH = 20


def main(path: str, count: int) -> None:
    """Print the minimum cost over several passes."""
    sessions = endless_sessions(read_values(path))
    before = min(BEFORE, 10 * count)
    topic = find("SESSIONS").name
    records = [
        record_of(session, topic, offset) for offset, session in enumerate(islice(sessions, before + count))
    ]
    find("collect_seldom")()
    passes = [_pass(records, before) for _ in range(PASSES)]
    print(least(passes) * 1e6 / count)  # noqa: T201


def _pass(records: list[object], before: int) -> list[float]:
    """Teach a new recommender, then time it batch by batch."""
    fed = new_recommender()
    learn = learner_of(fed)
    learn(records[:before])
    seconds = []
    for begin in range(before, len(records), BATCH):
        batch = records[begin : begin + BATCH]
        begun_at = thread_time()
        learn(batch)
        seconds.append(thread_time() - begun_at)
    learned = fed.recommender.stamp().examples_seen
    if learned < 0.5 * len(records):
        raise SystemExit(f"only {learned} of {len(records)} sessions were learned")
    return seconds


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
