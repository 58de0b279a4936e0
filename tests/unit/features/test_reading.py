import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import step
from stream_app.features.reading import Features, read_features
from stream_app.features.user_row import UserRow
from stream_app.features.windows import WINDOWS
from stream_app.settings.rules import Rules
from stream_app.testing import (
    INTAKE,
    RECEIVED_AT,
    START,
    FixedModels,
    event,
    label,
    page,
    records,
    session,
    track,
)

RULES = Rules()
DAY = 86_400.0


def row_of(*values: bytes) -> UserRow:
    partition = Partition(0, RULES)
    batch = Batch("events", 0, records(values))
    row = step(partition, batch, {}, INTAKE, FixedModels().models, RULES, RECEIVED_AT).rows["u"]
    assert row is not None
    return row


def features_of(*values: bytes, at: float) -> Features:
    return read_features(row_of(*values), START + at)


def test_page_views_and_actions_are_counted_in_every_window() -> None:
    features = features_of(page("u", 0), track("u", 10, "Searched"), event("screen", "u", 20), at=30)
    for window in WINDOWS:
        assert features[f"events_{window.name}"] == 3
        assert features[f"page_views_{window.name}"] == 2
        assert features[f"actions_{window.name}"] == 1
        assert f"purchases_{window.name}" not in features
    assert (features["count_page"], features["count_track"], features["count_screen"]) == (1, 1, 1)


def test_windows_let_go_of_what_is_past_and_totals_do_not() -> None:
    features = features_of(page("u", 0), page("u", 3 * DAY), at=3 * DAY + 60)
    assert (features["events_5m"], features["events_24h"], features["events_7d"]) == (1, 1, 2)
    assert features["count_page"] == 2


def test_recency_tenure_and_active_days() -> None:
    features = features_of(page("u", 0), page("u", 60), page("u", DAY), at=3 * DAY)
    assert features["recency_days"] == pytest.approx(2)
    assert features["tenure_days"] == pytest.approx(3)
    assert features["active_days"] == 2


def test_a_user_of_whom_only_a_label_is_known_has_neither_recency_nor_tenure() -> None:
    assert read_features(row_of(label("u", 0, 2)), START) == {
        "active_days": 0,
        "distinct_items": 0,
        "uses": 0,
        "is_loyal": 0,
        "has_returned": 0,
    }


def test_purchases_bring_their_revenue() -> None:
    orders = [track("u", at, "Order Completed", {"revenue": 12.5}) for at in (0, 5)]
    features = features_of(*orders, at=10)
    assert (features["purchases_1h"], features["revenue_1h"]) == (2, 25.0)


def test_session_summaries_become_statistics() -> None:
    features = features_of(session("u", 0, 100, 3), session("u", 7_200, 300, 5), at=7_200)
    assert features["session_duration_count"] == 2
    assert features["session_duration_mean"] == 200
    assert (features["session_duration_low"], features["session_duration_high"]) == (100, 300)
    assert features["session_page_views_mean"] == 4
    assert features["session_gap_mean"] == 7_200 - 300
    assert features["session_duration_deviation"] == pytest.approx(20_000**0.5)
    assert (features["sessions_24h"], features["duration_24h"], features["page_views_24h"]) == (2, 400, 8)


def test_one_session_has_no_deviation() -> None:
    assert "session_duration_deviation" not in features_of(session("u", 0, 100, 3), at=0)


def test_the_most_common_device_and_its_share() -> None:
    devices = ["mobile", "mobile", "desktop", "mobile"]
    views = [page("u", at, context={"device": {"type": name}}) for at, name in enumerate(devices)]
    features = features_of(*views, at=10)
    assert (features["top_device"], features["top_device_share"]) == ("mobile", 0.75)
    assert features["distinct_devices"] == 2
    assert "top_browser" not in features


def test_context_is_read_for_what_it_names() -> None:
    context = {"browser": {"name": "Firefox"}, "os": {"name": "Linux"}, "location": {"country": "NL"}}
    features = features_of(page("u", 0, context=context), at=0)
    assert [features[f"top_{name}"] for name in ("browser", "os", "country")] == ["Firefox", "Linux", "NL"]


def test_traits_are_the_newest_told() -> None:
    told = [event("identify", "u", at, traits={"age": 30 + at, "email": "a@b.c"}) for at in (0, 1)]
    features = features_of(*told, at=5)
    assert features["trait_age"] == 31
    assert "trait_email" not in features


def test_distinct_items_are_those_of_late() -> None:
    views = [page("u", at * 60, f"item-{at % 3}") for at in range(6)]
    assert features_of(*views, at=600)["distinct_items"] == 3


def test_who_counts_as_loyal_is_a_rule() -> None:
    row = UserRow()
    for _ in range(3):
        row.session_durations.add(60.0)
    assert [read_features(row, START, uses)["is_loyal"] for uses in (2, 3, 4)] == [1.0, 1.0, 0.0]
