"""Which part of the full job a sampled call stack belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

OTHER = "event loop, sockets, what is left"

# A stack that passes through one of these belongs to it, whatever it calls; the first match counts.
_WHOLE = (
    ("recommender learns", r"SessionRecommender\.learn|FedRecommender|fed_recommender|TopicFollower"),
    ("recommend", r"_Step\._recommend|recommending|models/recommenders"),
    ("rows: encode, changelog, RocksDB", r"RowTable\.write|_encode_changes|encode_row"),
    ("rows: RocksDB get, decode", r"Processor\._load|decode_row"),
    ("output encode", r"encode_outputs|encode_sent"),
    ("produce", r"BulkProducer|aiokafka/producer|aiokafka/record"),
    ("fetch", r"aiokafka/consumer|_BulkConsumer|faust/transport|MethodQueue|ServiceThread"),
    ("commit, group", r"\.commit|Coordinator|_commit"),
    (
        "metrics, and this measurement's looks at them",
        r"observability/metrics|record_histogram|prometheus_client",
    ),
)
# For all other stacks, the innermost frame that matches one of these determines the part.
_INNERMOST = (
    ("clean", r"stream_app/intake/cleaning/|stream_app/intake/privacy|runtimes/common/intake"),
    ("decode", r"intake/(decoding|wire|properties|identifiers|personal_text)"),
    ("features", r"features/reading"),
    ("score", r"core/(scor|tiers|outlooks)|models/|model_adapters|sklearn|river"),
    ("outputs built", r"core/outputs"),
    ("labels and outlooks", r"learning/(moments|trainer)|core/falling_due"),
    (
        "row update",
        r"core/(application|merging|agreement)|stream_app/features/|intake/consent",
    ),
    ("step, timers, identities", r"core/"),
    ("runtime", r"stream_app/runtimes|faust/"),
)


def part_of(stack: Sequence[str]) -> str:
    """The part of a stack, whose frames are `function (file:line)`, outermost first."""
    joined = "\n".join(stack)
    for part, pattern in _WHOLE:
        if re.search(pattern, joined):
            return part
    for frame in reversed(stack):
        for part, pattern in _INNERMOST:
            if re.search(pattern, frame):
                return part
    return OTHER


def count_parts(lines: Iterable[str]) -> Mapping[str, int]:
    """Samples by part, from lines `frame;frame;... count`, as in py-spy and flame graphs."""
    counts: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        counts[part_of(stack.split(";"))] += int(count)
    return counts
