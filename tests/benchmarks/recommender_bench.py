"""How long the blend takes to answer and to learn over an index of simulated sessions, and its memory.

Run `python tests/benchmarks/recommender_bench.py --sessions 100000 --items 20000 [--reference] [--json]`.
Times are CPU time of the thread, so that a busy machine disturbs them little. Queries and updates alternate:
every query meets an index that has just changed, as in the stream. `--reference` asks the table of NumPy's
arrays where the compiled one would be asked.
"""

import argparse
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import thread_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stream_app.models.recommenders import Blend, IndexLimits, SessionIndex
from stream_app.models.recommenders.array_table import ArrayTable

MEAN_CLICKS = 4
DAYS = 30
REPEAT = 0.25  # a quarter of real next clicks repeat the current item


def simulate_sessions(count: int, items: int, seed: int) -> Iterator[list[str]]:
    """Yield sessions that wander around a starting item; these have a Zipf law, and a place of their own."""
    draw = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, items + 1) ** 0.9
    places = np.random.default_rng(0).permutation(items)
    starts = places[draw.choice(items, count, p=popularity / popularity.sum())]
    for start, length in zip(starts, 1 + draw.geometric(1 / (MEAN_CLICKS - 1), count), strict=True):
        clicked = min(int(length), 50)
        steps = draw.zipf(1.5, clicked).clip(0, items) * draw.choice([-1, 1], clicked)
        clicks = (start + steps) % items
        repeats = draw.random(len(clicks)) < REPEAT
        for turn in range(1, len(clicks)):
            if repeats[turn]:
                clicks[turn] = clicks[turn - 1]
        yield [f"item-{item}" for item in clicks.tolist()]


def measure(sessions: int, items: int, queries: int, seed: int, by_reference: bool) -> dict[str, float]:
    """Fill an index, then alternate queries and updates; times in microseconds, per click for updates."""
    blend = Blend(SessionIndex(IndexLimits(sessions=sessions, clicks=8 * sessions, items=items)))
    if by_reference:
        blend.table = ArrayTable(blend.index, blend.sources, blend.discounts)
    seconds_apart = DAYS * 86_400 / sessions
    clock = 0.0
    update_us, clicks, seconds = [], 0, 0.0
    for session in simulate_sessions(sessions, items, seed):
        clock += seconds_apart
        begun = thread_time()
        blend.learn_session(session, clock)
        spent = thread_time() - begun
        update_us.append(spent * 1e6 / len(session))
        clicks += len(session)
        seconds += spent
    query_us = []
    for session in simulate_sessions(queries, items, seed + 1):
        known = session[: 1 + len(query_us) % len(session)]
        begun = thread_time()
        blend.recommend(known, 20)
        query_us.append((thread_time() - begun) * 1e6)
        clock += seconds_apart
        blend.learn_session(session, clock)
    lists = np.sort([count for count in blend.index.item_clicks if count])
    return {
        "sessions": blend.index.live_sessions,
        "items": len(blend.index.item_numbers),
        "clicks": clicks,
        "share_of_the_top_1_percent": float(lists[-max(1, len(lists) // 100) :].sum() / lists.sum()),
        "query_us_p50": float(np.percentile(query_us, 50)),
        "query_us_p99": float(np.percentile(query_us, 99)),
        "update_us_p50": float(np.percentile(update_us, 50)),
        "update_us_p99": float(np.percentile(update_us, 99)),
        "update_us_mean": seconds * 1e6 / clicks,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure as the command line says and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.sessions, options.items, options.queries, options.seed, options.reference)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:28} {figure:12,.2f}")


if __name__ == "__main__":
    main()
