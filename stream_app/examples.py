"""Tables of history as labelled examples, made by the core that makes them in the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import inf
from pathlib import Path
from typing import NamedTuple

from models.learning import Example
from schemas.outputs import ModelStamp, TrainingExample
from schemas.topics import EVENTS
from stream_app.core.features import read_features
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rules import Rules
from stream_app.core.step import step
from stream_app.core.user_row import UserRow
from stream_app.errors import InputError
from stream_app.ports import Features, Models, ScoredItem
from stream_app.sources.courses import CourseTables
from stream_app.sources.marketing import TICK, USER_COLUMNS, MarketingTables, identify_event
from stream_app.sources.source import Source
from stream_app.sources.tables import read_table

TIERS = (1, 2, 3)
BATCH_RECORDS = 1_000


@dataclass
class History:
    """What the core made of a finite source: every user's last row, and the examples in stream order."""

    rows: dict[str, UserRow] = field(default_factory=dict)
    examples: list[TrainingExample] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


class MarketingUsers(NamedTuple):
    """Users of the marketing tables.

    `examples` are those with a tier, in the order in which the tiers became known; `features` are every
    user's, as they stood right after the last session: the moment at which a tier is told.
    """

    examples: list[Example[int | str]]
    features: dict[str, Features]
    failures: Counter[str]


def replay_marketing(users: Path, sessions: Path, rules: Rules | None = None) -> MarketingUsers:
    """Replay users and sessions in order of time.

    Users without a session have nothing but their traits.

    Raises:
        InputError: a table is not of the marketing form, or a tier is none of 1, 2 and 3.
    """
    tables = MarketingTables(users, sessions)
    history = replay_history(tables, rules or Rules())
    features = {
        user: read_features(row, row.last_at + TICK.total_seconds()) for user, row in history.rows.items()
    }
    examples = [
        Example[int | str](example.features, _tier(users, example)) for example in history.examples
    ]
    return MarketingUsers(examples, features, history.failures)


def replay_courses(features: Path, target: Path) -> list[Example[float]]:
    """Replay courses in the tables' order.

    Raises:
        InputError: a table is not of the courses form.
    """
    history = replay_history(CourseTables(features, target), Rules())
    return [Example(example.features, float(example.label)) for example in history.examples]


def replay_history(source: Source, rules: Rules) -> History:
    """Take a finite source through the core, in one partition, with models that say nothing."""
    history, partition = History(), Partition(0, rules)
    models = Models(SilentTierModel(), SilentRecommender())
    for records in _batches(source):
        result = step(partition, Batch(EVENTS.name, 0, records), history.rows, models, rules, now=0.0)
        history.rows |= result.rows
        history.failures += result.failures
        history.examples += [output for output in result.outputs if isinstance(output, TrainingExample)]
    return history
