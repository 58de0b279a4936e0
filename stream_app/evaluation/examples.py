"""Historical tables as labelled examples, created by the same core as in the stream."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from math import inf
from pathlib import Path
from typing import NamedTuple

from stream_app.core.identity_messages import encode_message
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import StepResult, step
from stream_app.errors import InputError
from stream_app.features.reading import read_features
from stream_app.features.user_row import UserRow
from stream_app.intake.sources import courses, marketing
from stream_app.intake.sources.courses import CourseTables
from stream_app.intake.sources.marketing import TICK, MarketingTables
from stream_app.learning.model_adapters import TIERS
from stream_app.learning.ports import Features, Models, Occasion
from stream_app.models.features import Label
from stream_app.models.learning import ClassPrediction, Example, Reason, Status
from stream_app.models.targets import ENGAGEMENT
from stream_app.runtimes.common.intake import plain_intake
from stream_app.schemas.outputs import ModelStamp, RecommendedItem, TrainingExample
from stream_app.schemas.topics import EVENTS, LINKS
from stream_app.settings.rules import Rules

BATCH_RECORDS = 200
DEFAULT_RULES = Rules()


class MarketingUsers(NamedTuple):
    """Users of the marketing tables.

    `examples` are those with a tier, in the order in which the tiers became known. `features` are everybody's
    right after their last session, when a tier becomes known. `refused` counts the events that the core
    refused, by reason.
    """

    examples: list[Example[Label]]
    features: dict[str, Features]
    refused: Counter[str]


def replay_marketing(users: Path, sessions: Path) -> MarketingUsers:
    """Replay users and sessions in time order; for users without a session only the traits are known.

    Raises:
        InputError: a table is not in the marketing format, or a tier is not 1, 2 or 3.
    """
    tables = MarketingTables(users, sessions)
    values = (value for value, _ in tables.records(0))
    rows: dict[str, UserRow] = {}
    examples: list[Example[Label]] = []
    refused: Counter[str] = Counter()
    for result in replay_history(chain(values, tables.users_without_sessions()), rows):
        examples += [
            Example(output.features, _tier(users, output))
            for output in _examples_of(result, marketing.TARGET)
        ]
        refused += result.failures
    features: dict[str, Features] = {
        user: read_features(row, row.last_at + TICK.total_seconds()) for user, row in rows.items()
    }
    return MarketingUsers(examples, features, refused)


def replay_courses(features: Path, target: Path) -> Iterator[Example[float]]:
    """Replay courses in the tables' order.

    Raises:
        InputError: a table is not in the courses format, or a score is not between 0 and 100.
    """
    values = (value for value, _ in CourseTables(features, target).records(0))
    for result in replay_history(values, {}):
        for output in _examples_of(result, courses.TARGET):
            yield Example(output.features, _score(target, output))


def replay_history(
    values: Iterable[bytes], rows: dict[str, UserRow], rules: Rules = DEFAULT_RULES
) -> Iterator[StepResult]:
    """Process events in time order with the core, in one partition, with silent models.

    `rows` holds every user's row so far.
    """
    partition = Partition(0, rules)
    models = Models(SilentTierModel(), SilentRecommender())
    intake = plain_intake()
    records = (Record(offset, None, value, received_at=inf) for offset, value in enumerate(values))
    batches: deque[Batch] = deque()
    while batches or (taken := list(islice(records, BATCH_RECORDS))):
        batch = batches.popleft() if batches else Batch(EVENTS.name, 0, taken)
        result = step(partition, batch, rows, intake, models, rules, now=0.0)
        rows |= {user_key: row for user_key, row in result.rows.items() if row is not None}
        if sent := [encode_message(message) for _, message in result.sent + result.sent_after]:
            first = partition.meta.applied.get(LINKS.name, -1) + 1
            messages = [
                Record(offset, None, value, received_at=inf) for offset, value in enumerate(sent, first)
            ]
            batches.append(Batch(LINKS.name, 0, messages))
        yield result


class SilentTierModel:
    """Never decides a tier."""

    def stamp(self) -> ModelStamp:
        """No examples seen."""
        return ModelStamp(name="silent_tiers", version=1, examples_seen=0, status="warming_up")

    def features_read(self) -> None:
        """None, so that all features are read."""

    def predict_tiers(self, examples: Sequence[Features]) -> list[ClassPrediction]:
        """No label and no probabilities, for each example."""
        return [ClassPrediction(None, {}, Status.WARMING_UP) for _ in examples]

    def explain_tiers(self, examples: Sequence[Features], tiers: Sequence[int]) -> list[list[Reason]]:  # noqa: ARG002
        """No reasons, for each example."""
        return [[] for _ in examples]


class SilentRecommender:
    """Recommends nothing."""

    def stamp(self) -> ModelStamp:
        """No sessions learned."""
        return ModelStamp(name="silent_items", version=1, examples_seen=0, status="warming_up")

    def recommend(self, occasion: Occasion, count: int) -> list[RecommendedItem]:  # noqa: ARG002
        """No items."""
        return []


def _examples_of(result: StepResult, target: str) -> Iterator[TrainingExample]:
    return (
        output for output in result.outputs if isinstance(output, TrainingExample) and output.target == target
    )


def _tier(table: Path, example: TrainingExample) -> int:
    label = example.label
    if isinstance(label, bool) or label not in TIERS:
        raise InputError(f"{table}: the tier of user {example.user_key} is {label}, it must be 1, 2 or 3")
    return int(label)


def _score(table: Path, example: TrainingExample) -> float:
    low, high = ENGAGEMENT.value_range
    score = float(example.label)
    if not low <= score <= high:
        raise InputError(f"{table}: the score of {example.user_key} is {score}, it must be {low} to {high}")
    return score
