from random import Random
from typing import TypeVar

import orjson
import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import StepResult, step
from stream_app.features.reading import read_features
from stream_app.features.user_row import MAX_RECENT_ITEMS, MAX_TRAITS, encode_row
from stream_app.schemas.outputs import (
    ClosedSession,
    EngagementTier,
    FailedEvent,
    Recommendations,
    TrainingExample,
)
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import (
    INTAKE,
    RECEIVED_AT,
    START,
    Driver,
    FixedModels,
    FixedTierModel,
    event,
    label,
    page,
    session,
    track,
)

RULES = Rules()
HOUR = 3_600.0
OutputT = TypeVar("OutputT")


def of_kind(kind: type[OutputT], result: StepResult) -> list[OutputT]:
    return [output for output in result.outputs if isinstance(output, kind)]


def test_the_first_event_brings_a_tier() -> None:
    result = Driver().pipe(page("u", 0))
    [tier] = of_kind(EngagementTier, result)
    assert (tier.user_key, tier.previous_tier, tier.as_of.timestamp()) == ("u", None, START)
    assert result.new_users == 1
    assert result.events == {("page", "processed"): 1}


def test_users_are_scored_at_most_every_interval() -> None:
    asked: list[float] = []

    class Asked(FixedTierModel):
        def predict_tiers(self, examples):
            asked.extend(features["count_page"] for features in examples)
            return super().predict_tiers(examples)

    driver = Driver(Rules(tier_interval=60.0))
    driver.models = FixedModels(tiers=Asked()).models
    driver.pipe(*(page("u", at) for at in (0, 30, 59, 60, 90, 121)))
    assert asked == [1, 4, 6]


def test_recommendations_come_at_most_every_interval() -> None:
    views = [page("u", at, f"item-{at}") for at in (0, 10, 29, 30, 45, 60, 61)]
    made = of_kind(Recommendations, Driver().pipe(*views))
    assert [output.as_of.timestamp() - START for output in made] == [0, 30, 60]
    assert made[1].items[0].item_id == "item-30-4-1"


def test_a_bad_record_changes_no_row_and_is_kept_whole() -> None:
    partition = Partition(0, RULES)
    result = step(
        partition,
        Batch("events", 0, [Record(5, b"key", b"{bad", RECEIVED_AT)]),
        {},
        INTAKE,
        FixedModels().models,
        RULES,
        RECEIVED_AT,
    )
    [failed] = of_kind(FailedEvent, result)
    assert (failed.key, failed.original, failed.reason) == (b"key", b"{bad", "bad_json")
    assert failed.source.offset == 5
    assert (result.rows, result.failures) == ({}, {"bad_json": 1})
    assert partition.meta.applied == {"events": 5}


def test_what_is_older_than_the_watermark_is_late() -> None:
    driver = Driver()
    driver.pipe(page("a", 2 * HOUR))
    result = driver.pipe(page("u", HOUR), page("u", HOUR - 0.001))
    [failed] = of_kind(FailedEvent, result)
    assert (failed.reason, failed.user_key, failed.source.offset) == ("late", "u", 2)
    assert result.events == {("page", "processed"): 1, ("page", "failed"): 1}


def test_repeats_change_nothing_but_their_offset() -> None:
    driver = Driver()
    driver.pipe(page("u", 0, "a", messageId="m"))
    before = orjson.dumps(read_features(driver.rows["u"], START))
    result = driver.pipe(page("u", 0, "a", messageId="m"))
    assert (result.outputs, result.events) == ([], {("page", "repeated"): 1})
    assert orjson.dumps(read_features(driver.rows["u"], START)) == before
    assert driver.rows["u"].applied == {EVENTS.name: 1}


def test_a_label_becomes_an_example_with_the_features_of_then() -> None:
    driver = Driver()
    driver.pipe(page("u", 0), page("u", 60))
    expected = read_features(driver.rows["u"], START + 90)
    [example] = of_kind(TrainingExample, driver.pipe(label("u", 90, 3), page("u", 95)))
    assert (example.features, example.label, example.target) == (expected, 3, "engagement_tier")
    assert example.as_of.timestamp() == START + 90


def test_a_label_with_features_of_its_own_needs_no_row() -> None:
    driver = Driver()
    properties = {"target": "engagement_score", "value": 55.5, "itemId": "i", "features": {"a": 1, "b": "x"}}
    result = driver.pipe(event("label", "course", 0, properties=properties))
    [example] = of_kind(TrainingExample, result)
    assert (example.features, example.label) == ({"a": 1.0, "b": "x"}, 55.5)
    assert result.rows == {}


def test_orders_of_absurd_worth_cannot_break_an_example() -> None:
    driver = Driver()
    absurd = [track("u", at, "Order Completed", {"revenue": 1.7e308}) for at in range(3)]
    result = driver.pipe(*absurd, track("u", 5, "Order Completed", {"revenue": 5}), label("u", 6, 1))
    [example] = of_kind(TrainingExample, result)
    assert example.features["revenue_24h"] == 5


def test_the_watermark_closes_sessions_and_their_users_are_scored() -> None:
    driver = Driver()
    driver.pipe(page("u", 0, "a"), page("u", 600, "b"))
    assert of_kind(ClosedSession, driver.pipe(page("v", 5_999))) == []
    [closed] = of_kind(ClosedSession, driver.pipe(page("v", 6_000)))
    assert (closed.user_key, closed.items, closed.page_views) == ("u", ["a", "b"], 2)
    assert (closed.started_at.timestamp(), closed.ended_at.timestamp()) == (START, START + 600)
    assert closed.as_of.timestamp() == START + 600 + RULES.session_gap
    assert closed.source.offset == 1
    assert read_features(driver.rows["u"], START + HOUR)["sessions_24h"] == 1


def test_a_tier_is_decided_by_the_features_that_its_model_reads_and_few_others() -> None:
    class Reads(FixedTierModel):
        def features_read(self):
            return frozenset({"events_24h", "active_days"})

        def predict_tiers(self, examples):
            seen.extend(examples)
            return super().predict_tiers(examples)

    seen: list[dict[str, float]] = []
    full, driver = Driver(), Driver()
    driver.models = FixedModels(tiers=Reads()).models
    events = [page("u", minute * 400) for minute in range(20)]
    assert driver.pipe(*events).outputs == full.pipe(*events).outputs
    assert all("events_24h" in features and "events_7d" not in features for features in seen[:-1])
    assert len({features["events_24h"] for features in seen}) > 3


def test_a_session_is_closed_before_the_event_that_shows_it_is_over_counts() -> None:
    class Seen(FixedTierModel):
        def predict_tiers(self, examples):
            seen.extend(examples)
            return super().predict_tiers(examples)

    seen: list[dict[str, float]] = []
    driver = Driver()
    driver.models = FixedModels(tiers=Seen()).models
    driver.pipe(page("u", 0), page("u", 5 * 24 * HOUR))
    counts = [(features["count_page"], features.get("sessions_24h")) for features in seen]
    assert counts == [(1, None), (1, 1), (2, None)]


def test_idle_sessions_close_by_wall_time_and_slow_events_are_still_taken() -> None:
    driver = Driver(clock=START)
    driver.pipe(page("u", 0))
    assert driver.advance_clock(RULES.session_gap + RULES.allowed_lateness - 1).outputs == []
    [closed] = of_kind(ClosedSession, driver.advance_clock(1))
    assert closed.user_key == "u"
    assert driver.advance_clock(1e6).outputs == []
    assert driver.pipe(page("u", 60)).events == {("page", "processed"): 1}


def test_a_summary_closes_its_session_at_once() -> None:
    driver = Driver()
    result = driver.pipe(page("u", 0, "a"), session("u", 30, 30, 1, sessionId="s"))
    [closed] = of_kind(ClosedSession, result)
    assert (closed.session_id, closed.items, closed.source.offset) == ("s", ["a"], 1)
    assert driver.advance_clock(0).outputs == []


@pytest.mark.parametrize("seed", range(15))
def test_closed_sessions_are_those_of_all_events_in_time(seed: int) -> None:
    random, driver, now = Random(seed), Driver(), 0.0
    taken: dict[str, list[float]] = {}
    closed: list[ClosedSession] = []
    for _ in range(250):
        now += random.expovariate(1 / 500)
        at = round(now - random.uniform(0, 2 * HOUR), 3)
        user = f"user-{random.randrange(4)}"
        result = driver.pipe(page(user, at))
        closed += of_kind(ClosedSession, result)
        if not result.failures:
            taken.setdefault(user, []).append(at)
    closed += of_kind(ClosedSession, driver.advance_clock(0))
    expected = []
    for user, times in taken.items():
        times.sort()
        cuts = [0] + [
            place for place in range(1, len(times)) if times[place] - times[place - 1] >= RULES.session_gap
        ]
        for begin, end in zip(cuts, [*cuts[1:], len(times)], strict=True):
            expected.append((user, times[begin], times[end - 1], end - begin))
    found = [
        (
            output.user_key,
            round(output.started_at.timestamp() - START, 3),
            round(output.ended_at.timestamp() - START, 3),
            output.event_count,
        )
        for output in closed
    ]
    assert sorted(found) == sorted(expected)


def test_a_row_stays_bounded_whatever_comes() -> None:
    random, driver = Random(1), Driver()
    values = []
    for number in range(3_000):
        name = f"{number}-{'x' * 900}"
        context = {"device": {"type": name}, "browser": {"name": name}, "os": {"name": name}}
        fields = {"context": context, "messageId": name[:250]}
        at = number * 600.0 + random.uniform(0, 600)
        if number % 2:
            values.append(page("u", at, name[:128], **fields))
        else:
            values.append(event("identify", "u", at, traits={name[:64]: name[:64]}, **fields))
    driver.pipe(*values)
    row = driver.rows["u"]
    assert (len(row.traits), len(row.recent_items)) == (MAX_TRAITS, MAX_RECENT_ITEMS)
    assert len(encode_row(row)) < 120_000


def test_users_are_scored_as_of_their_newest_event_not_before_it() -> None:
    class Seen(FixedTierModel):
        def predict_tiers(self, examples):
            seen.extend(examples)
            return super().predict_tiers(examples)

    seen: list[dict[str, float]] = []
    driver = Driver()
    driver.pipe(page("u", 0), page("u", 3_000))
    driver.models = FixedModels(tiers=Seen()).models
    result = driver.pipe(page("v", 2 * HOUR))
    assert len(of_kind(ClosedSession, result)) == 1
    assert (seen[0]["count_page"], seen[0]["events_5m"], seen[0]["recency_days"]) == (2, 1, 0)


def test_a_session_that_ends_with_its_row_counts_once() -> None:
    class Seen(FixedTierModel):
        def predict_tiers(self, examples):
            seen.extend(examples)
            return super().predict_tiers(examples)

    seen: list[dict[str, float]] = []
    driver = Driver(Rules(max_users=1, tier_interval=1e9))
    driver.models = FixedModels(tiers=Seen()).models
    # The second user's event lies in the same session gap, so that the first one's session is still open.
    result = driver.pipe(page("u", 0), page("v", 60))
    assert result.removed == {"evicted": 1}
    assert [features["uses"] for features in seen] == [1, 1, 1]
