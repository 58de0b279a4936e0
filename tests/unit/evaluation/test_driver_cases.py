from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stream_app.evaluation.driver_cases import collect_cases
from stream_app.evaluation.driver_outcome import Outcome
from stream_app.features.user_row import UserRow
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.schemas.outputs import ClosedSession, SourcePosition, TrainingExample

START = datetime(2024, 3, 4, 12, tzinfo=UTC)
SOURCE = SourcePosition(topic="t", partition=0, offset=0)
TARGETS = ("engagement_tier",)


def session(user: str, days: float, *items: str) -> ClosedSession:
    at = START + timedelta(days=days)
    return ClosedSession(
        id=f"{user}-{days}", user_key=user, as_of=at, emitted_at=at, source=SOURCE, session_id="s",
        started_at=at, ended_at=at, duration=1, event_count=1, page_views=1, items=list(items), is_bot=False,
    )  # fmt: skip


def example(
    user: str, days: float, target: str, label: float | bool | str, **features: float
) -> TrainingExample:
    at = START + timedelta(days=days)
    return TrainingExample(
        id=f"{user}-{days}-{target}", user_key=user, as_of=at, emitted_at=at, source=SOURCE, target=target,
        features=features, label=label,
    )  # fmt: skip


def filled(folder: Path, *outputs: ClosedSession | TrainingExample, **tiers: int) -> Store:
    store = Store(folder)
    rows = {(0, user): UserRow(tier=tier) for user, tier in tiers.items()}
    store.write(Checkpoint(rows, outputs, {}, {}, {}))
    return store


def test_without_labels_retention_is_a_later_day_within_the_span(tmp_path: Path) -> None:
    outputs = [
        session("same-day", 0, "a"), session("same-day", 0.1, "b"),
        session("back", 0, "a", "a", "c"), session("back", 3, "d"),
        session("too-late", 0), session("too-late", 9),
        session("too-new", 8), session("too-new", 9),
    ]  # fmt: skip
    with filled(tmp_path, *outputs) as store:
        meaning, cases = collect_cases(store, Outcome.RETENTION, TARGETS)
    assert "within 7 days" in meaning
    assert [case.came_true for case in cases] == [False, True, False]
    assert [case.groups["page"] for case in cases] == [("a", "b"), ("a", "c"), ()]
    assert all(not case.features for case in cases)


def test_labels_tell_where_there_are_any_each_users_last(tmp_path: Path) -> None:
    outputs = [
        session("u", 0, "before"), session("u", 5, "after"),
        example("u", 1, "will_return", False, uses=1.0),
        example("u", 2, "will_return", True, uses=2.0),
        example("v", 2, "will_return", False, uses=3.0),
        example("v", 2, "purchase", True, uses=9.0),
        example("w", 2, "purchase", False, uses=4.0).model_copy(
            update={"other_labels": {"will_return": True}}
        ),
    ]  # fmt: skip
    with filled(tmp_path, *outputs) as store:
        meaning, cases = collect_cases(store, Outcome.RETENTION, TARGETS)
    assert "will_return" in meaning
    assert [(case.features, case.came_true) for case in cases] == [
        ({"uses": 2.0}, True),
        ({"uses": 3.0}, False),
        ({"uses": 4.0}, True),
    ]
    assert cases[0].groups["page"] == ("before",)


@pytest.mark.parametrize(
    ("label", "came_true"), [(3, True), ("3", True), (3.0, True), (2, False), ("high", False)]
)
def test_engagement_is_the_high_tier(tmp_path: Path, label: float | str, came_true: bool) -> None:
    with filled(tmp_path, example("u", 0, "engagement_tier", label)) as store:
        [case] = collect_cases(store, Outcome.ENGAGEMENT, TARGETS).cases
    assert case.came_true is came_true


def test_without_labels_engagement_is_the_decided_tier(tmp_path: Path) -> None:
    with filled(tmp_path, high=3, low=1, unknown=0) as store:
        meaning, cases = collect_cases(store, Outcome.ENGAGEMENT, TARGETS)
    assert "decided by the model" in meaning
    assert sorted(case.came_true for case in cases) == [False, True]
