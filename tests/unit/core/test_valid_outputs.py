"""Outputs are built without validation: what the core builds keeps the contract all the same."""

import json
from collections import Counter

import orjson
import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.evaluation.examples import SilentTierModel
from stream_app.learning.model_adapters import SessionRecommender
from stream_app.learning.ports import Models
from stream_app.models.recommenders.surface import Surface
from stream_app.models.recommenders.surface_rules import SurfaceRules
from stream_app.schemas.outputs import FailedEvent, ModelStamp, Output, RecommendedItem, SourcePosition
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import DAY, Rules
from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import simulate
from stream_app.testing import INTAKE

RULES = Rules(recommend_interval=0.0, outlook_horizon=DAY, content_horizon=DAY)


@pytest.fixture(scope="module")
def outputs() -> list[Output]:
    """Those of a simulated stream, whose recommender explores and learns; one record in 50 is broken."""
    events = [orjson.dumps(event) for event in simulate(SimulationSettings(users=12, days=5))]
    recommender = SessionRecommender(Surface(rules=SurfaceRules(exploration=0.3)))
    models, partition, rows = Models(SilentTierModel(), recommender), Partition(0, RULES), {}
    found: list[Output] = []
    for begin in range(0, len(events), 100):
        records = [
            Record(offset, None, event if offset % 50 else event[:-1], 4e9)
            for offset, event in enumerate(events[begin : begin + 100], begin)
        ]
        result = step(partition, Batch(EVENTS.name, 0, records), rows, INTAKE, models, RULES, 4e9)
        rows |= result.rows
        found += result.outputs
        for output in result.outputs:
            recommender.learn(output)
    return found


def test_each_is_what_its_contract_reads(outputs) -> None:
    kinds = Counter(output.schema_name for output in outputs)
    assert min(kinds[name] for name in ("recommendations", "closed_session", "engagement_tier")) > 10
    assert (
        min(
            kinds[name]
            for name in ("recommendation_click", "failed_event", "training_example", "item_outcomes")
        )
        > 0
    )
    assert any(item.is_explored for output in outputs for item in getattr(output, "items", ())
               if isinstance(item, RecommendedItem))  # fmt: skip
    for output in outputs:
        encoded = output.encode()
        assert type(output).model_validate_json(encoded) == output
        assert json.loads(encoded) == json.loads(output.model_dump_json())


def test_a_valid_output_is_as_if_it_had_been_judged() -> None:
    judged = SourcePosition(topic="t", partition=1, offset=2)
    made = SourcePosition.of_valid(topic="t", partition=1, offset=2)
    assert (made, made.model_dump(), made.model_copy(update={"offset": 3}).offset) == (
        judged,
        judged.model_dump(),
        3,
    )
    with pytest.raises(ValueError, match="frozen"):
        made.offset = 5


def test_the_bytes_of_a_failed_event_are_base64_for_urls(outputs) -> None:
    failed = next(output for output in outputs if isinstance(output, FailedEvent))
    changed = failed.model_copy(update={"original": b"\xfb\xff"})
    assert json.loads(changed.encode())["original"] == "-_8="


def test_defaults_that_hold_may_be_left_out() -> None:
    stamp = ModelStamp.of_valid(name="m", version=1, examples_seen=0, status="ready")
    assert stamp == ModelStamp(name="m", version=1, examples_seen=0, status="ready")
