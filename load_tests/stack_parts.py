"""Which part of the full job a sampled call stack belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

OTHER = "event loop, sockets, what is left"

# A stack that passes through one of these belongs to it, whatever it calls; the first that fits counts.
_WHOLE = (
    ("recommender learns", r"SessionRecommender\.learn|FedRecommender|fed_recommender|TopicFollower"),
    ("recommend", r"_Step\._recommend|recommending|models/recommenders"),
    ("rows: encode, changelog, RocksDB", r"RowTable\.write|_encode_changes|encode_row"),
    ("rows: RocksDB get, decode", r"Processor\._load|decode_row"),
    ("output encode", r"encode_outputs|encode_sent|_key_of"),
    ("produce", r"BulkProducer|aiokafka/producer|aiokafka/record"),
    ("fetch", r"aiokafka/consumer|_BulkConsumer|faust/transport|MethodQueue|ServiceThread"),
    ("commit, group", r"\.commit|Coordinator|_commit"),
    (
        "metrics, and this measurement's looks at them",
        r"stream_app/metrics|record_histogram|prometheus_client",
    ),
)
# Of all other stacks the innermost frame that fits one of these tells the part.
_INNERMOST = (
    ("clean", r"stream_app/cleaning/|stream_app/privacy|intake"),
    ("decode", r"core/(decoding|wire|properties|identifiers|personal_text)"),
    ("features", r"core/features"),
    ("score", r"core/scoring|models/|model_adapters|sklearn|river"),
    ("outputs built", r"core/emission"),
    ("labels and outlooks", r"core/(outlook|learning)"),
    (
        "row update",
        r"core/(application|windows|sessions|interests|statistics|consent|funnel|calendar|distinct)",
    ),
    ("step, timers, identities", r"core/"),
    ("runtime", r"stream_app/runtimes|faust/"),
)
_COMPILED = re.compile(r"CPy(?:Def|Py)_([a-z_]+?)___")
"""How mypyc names a function in C: its module comes first."""


def part_of(stack: Sequence[str]) -> str:
    """The part of a stack, whose frames are `function (file:line)`, the outermost first."""
    frames = [_COMPILED.sub(r"core/\1 ", frame) for frame in stack]
    joined = "\n".join(frames)
    for part, pattern in _WHOLE:
        if re.search(pattern, joined):
            return part
    for frame in reversed(frames):
        for part, pattern in _INNERMOST:
            if re.search(pattern, frame):
                return part
    return OTHER


def count_parts(lines: Iterable[str]) -> Mapping[str, int]:
    """Samples by part, from lines `frame;frame;... count`, as py-spy and flame graphs have them."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        counts[part_of(stack.split(";"))] += int(count)
    return counts
