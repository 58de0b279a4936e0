"""A stream of what a trainer takes for the scores of items: outcomes of starts, and labels between them."""

from datetime import UTC, datetime, timedelta
from random import Random

from stream_app.learning.trainer import Taught
from stream_app.schemas.outputs import ItemOutcome, ItemOutcomes, SourcePosition, TrainingExample

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def outcomes(number: int, random: Random) -> ItemOutcomes:
    """What became of one to three starts, told two hours after those of the number before."""
    due_at = BEGIN + timedelta(hours=2 * number)
    return ItemOutcomes(
        id=f"{number:032x}",
        user_key=f"u{number}",
        as_of=due_at,
        emitted_at=due_at,
        source=SourcePosition(topic="clickstream.events.v1", partition=number % 3, offset=number),
        outcomes=[
            ItemOutcome(
                item_id=f"c{random.randrange(6)}",
                started_at=due_at - timedelta(days=7),
                is_completed=random.random() < 0.6,
                uses=1,
                has_returned=False,
                features={"lessons": 5.0},
            )
            for _ in range(random.randrange(1, 4))
        ],
    )


def taught_stream(count: int) -> list[Taught]:
    """Outcomes, each fifth time a label that brings its features."""
    random = Random(2)
    return [_labelled(number) if number % 5 == 0 else outcomes(number, random) for number in range(count)]


def _labelled(number: int) -> TrainingExample:
    at = BEGIN + timedelta(hours=2 * number)
    return TrainingExample(
        id=f"{number:032x}",
        user_key="c1",
        as_of=at,
        emitted_at=at,
        source=SourcePosition(topic="clickstream.events.v1", partition=0, offset=number),
        target="engagement_score",
        features={"lessons": float(number % 9)},
        label=10 * (number % 9),
    )
