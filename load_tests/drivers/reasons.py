"""CPU time of the reasons for one tier, where the vote of River's learners is the champion.

    drivers.reasons EVENTS COUNT

Prints microseconds a row, of `COUNT` rows that are explained in one call. The features are those of the rows
whose tier the events asked for; the vote has learned some of them, labelled by how often users came.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from time import thread_time
from typing import Any

from .names import find
from .streams import PASSES, read_values

BATCH = 500
LATER = 4e9
LEARNED = 300
CHAMPION = "vote"
USAGE = "sessions_30d"


def main(path: str, count: int) -> None:
    """Print the least of several passes."""
    rows = _features(read_values(path))
    model, example = find("tier_model")(), find("Example")
    ranked = sorted(float(x.get(USAGE, 0)) for x in rows)
    low, high = ranked[len(ranked) // 3], ranked[2 * len(ranked) // 3]
    labels = [1 + (float(x.get(USAGE, 0)) > low) + (float(x.get(USAGE, 0)) > high) for x in rows]
    model.learn_many([example(x, label) for x, label in zip(rows[:LEARNED], labels[:LEARNED], strict=True)])
    model.contest.champion = CHAMPION
    explained = rows[-count:]
    find("collect_seldom")()
    print(min(_pass(model, explained) for _ in range(PASSES)) * 1e6 / count)  # noqa: T201


def _features(values: Sequence[bytes]) -> list[dict[str, Any]]:
    """What a model of tiers is asked about while events are processed."""
    rules, fixed = find("Rules")(), find("FixedModels")().models
    asked: list[dict[str, Any]] = []

    class Listening(type(fixed.tiers)):  # type: ignore[misc]
        def predict_tiers(self, examples: Sequence[dict[str, Any]]) -> Any:
            asked.extend(dict(x) for x in examples)
            return super().predict_tiers(examples)

    models, intake = replace(fixed, tiers=Listening()), find("plain_intake")()
    topic, make_record, make_batch = find("EVENTS").name, find("Record"), find("Batch")
    partition, step = find("Partition")(0, rules), find("step")
    rows: dict[str, Any] = {}
    for begin in range(0, len(values), BATCH):
        part = values[begin : begin + BATCH]
        records = [make_record(begin + place, None, value, LATER) for place, value in enumerate(part)]
        result = step(partition, make_batch(topic, 0, records), rows, intake, models, rules, LATER)
        rows |= {user_key: row for user_key, row in result.rows.items() if row is not None}
    return asked


def _pass(model: Any, rows: Sequence[dict[str, Any]]) -> float:
    begun_at = thread_time()
    answers = model.predict_many(rows)
    reasons = model.explain_many(rows, [answer.label for answer in answers])
    seconds = thread_time() - begun_at
    if not all(reasons):
        raise SystemExit("a row has no reasons")
    return seconds


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
