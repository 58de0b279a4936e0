"""How often an id is taken for a person's address or number, and how often one of those is overlooked.

    python tests/benchmarks/personal_texts_bench.py [--ids 1000000] [--values 100000] [--seed 1]

Both errors by kind; the ids and values are those of tests/support/personal_samples.py: 34 kinds of ids, and
6 kinds of values in 22 places, each as often as the others.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from random import Random
from urllib.parse import unquote

import orjson
from support.personal_samples import ID_FIELDS, ID_KINDS, make_personal, place_personal

from stream_app.intake.personal_text import is_personal
from stream_app.intake.privacy import Privacy

EXAMPLES_SHOWN = 5


def taken_ids(random: Random, count: int) -> tuple[Counter[str], list[str]]:
    """Ids that were changed or left out, by kind, and the first of them."""
    privacy = Privacy()
    kinds = list(ID_KINDS)
    taken: Counter[str] = Counter()
    examples: list[str] = []
    for _ in range(count):
        kind = random.choice(kinds)
        made = ID_KINDS[kind](random)
        event = {"messageId": {"id": made}, "properties": {random.choice(ID_FIELDS): made}}
        if privacy.scrub(event) != event or is_personal(made):
            taken[kind] += 1
            examples.append(f"{kind}: {made}")
    return taken, examples[:EXAMPLES_SHOWN]


def kept_values(random: Random, count: int) -> tuple[Counter[str], list[str]]:
    """Values of people that were kept, by kind, and the first of them with their places."""
    privacy = Privacy()
    kept: Counter[str] = Counter()
    examples: list[str] = []
    for _ in range(count):
        value = make_personal(random)
        place, event = place_personal(value, random)
        raw = orjson.dumps(event)
        for left in (orjson.dumps(privacy.scrub(event)), privacy.scrub_bytes(b"{" + raw)):
            text = left.decode()
            if value.secret in text or value.secret in unquote(text):
                kept[value.kind] += 1
                examples.append(f"{value.kind}, {place}: {value.written} -> {text}")
                break
    return kept, examples[:EXAMPLES_SHOWN]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--ids", type=int, default=1_000_000)
    arguments.add_argument("--values", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    random = Random(chosen.seed)
    started = time.process_time()
    for name, count, measure in (
        ("ids taken for a person's", chosen.ids, taken_ids),
        ("values of people overlooked", chosen.values, kept_values),
    ):
        wrong, examples = measure(random, count)
        print(f"{name}: {sum(wrong.values())} of {count:,} {dict(wrong) or ''}")
        for example in examples:
            print(f"  {example}")
    print(f"{time.process_time() - started:.0f} s of CPU time")


if __name__ == "__main__":
    main()
