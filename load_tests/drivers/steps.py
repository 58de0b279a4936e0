"""CPU time of the core for one event, from its bytes to decisions and outputs.

    drivers.steps EVENTS COUNT

Prints microseconds per event. Models answer at once (`stream_app.testing.FixedModels`), so that only the core
is timed; the first third of `COUNT` events just fills rows.
"""

from __future__ import annotations

import sys
from time import thread_time
from typing import Any

from .names import find
from .streams import PASSES, least, read_values

BATCH = 500
UNTIMED = 1 / 3
LATER = 4e9  # later than any event time


def main(path: str, count: int) -> None:
    """Print the minimum cost over several passes."""
    values = read_values(path)[:count]
    untimed = int(len(values) * UNTIMED)
    find("collect_seldom")()
    passes = [_pass(values, untimed) for _ in range(PASSES)]
    print(least(passes) * 1e6 / (len(values) - untimed))  # noqa: T201


def _pass(values: list[bytes], untimed: int) -> list[float]:
    """Fill rows, then time batch by batch."""
    topic, make_record, make_batch = find("EVENTS").name, find("Record"), find("Batch")
    rules, intake, models = find("Rules")(), find("plain_intake")(), find("FixedModels")().models
    partition, step = find("Partition")(0, rules), find("step")
    rows: dict[str, Any] = {}
    seconds, outputs = [], 0
    for begin in [*range(0, untimed, BATCH), *range(untimed, len(values), BATCH)]:
        end = min(begin + BATCH, untimed if begin < untimed else len(values))
        records = [make_record(offset, None, values[offset], LATER) for offset in range(begin, end)]
        batch = make_batch(topic, 0, records)
        begun_at = thread_time()
        result = step(partition, batch, rows, intake, models, rules, LATER)
        if begin >= untimed:
            seconds.append(thread_time() - begun_at)
        rows |= {user_key: row for user_key, row in result.rows.items() if row is not None}
        outputs += len(result.outputs)
    if outputs < 0.1 * len(values):
        raise SystemExit(f"only {outputs} outputs of {len(values)} events")
    return seconds


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
