import re
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from load_tests.broker import free_port
from stream_app.core.step import StepResult
from stream_app.errors import SettingsError
from stream_app.learning.trainer import ExampleOutcome
from stream_app.models.snapshot import Refusal
from stream_app.observability.metrics import HELD_TO_NUMBERS, Metrics
from stream_app.observability.record_histogram import RecordHistogram
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.outputs import FailureReason
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import RecordedSource, label, page

OF_THE_COLLECTOR = {
    "stream_app_collector_requests_total",
    "stream_app_collector_events_total",
    "stream_app_collector_refused_total",
    "stream_app_collector_key_requests_total",
    "stream_app_collector_connections_closed_total",
    "stream_app_collector_durable_seconds",
}
KAFKA_ALONE = {"stream_app_lag_records", "stream_app_stalled_seconds", "stream_app_broker_silent_seconds"}
BEGUN_AT_ZERO = {
    "stream_app_model_drifts",
    "stream_app_refused_snapshots_total",
    "stream_app_refused_identity_claims_total",
    "stream_app_bounded_rows_total",
    "stream_app_refused_records_total",
    "stream_app_refused_numbers_total",
}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def series(metrics: Metrics) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by label values, by the declared name; a histogram's value is its count."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for declaration in metrics.declared:
        sample_name = declaration.name + ("_count" if declaration.kind == "histogram" else "")
        found[declaration.name] = {
            tuple(sample.labels[name] for name in declaration.labels): sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
            if sample.name == sample_name
        }
    return found


def test_every_metric_is_declared_with_its_type_and_help():
    metrics = Metrics()
    declared = {declaration.name: declaration for declaration in metrics.declared}
    assert len(declared) == len(metrics.declared)
    for name, declaration in declared.items():
        assert re.fullmatch(r"stream_app_[a-z]+(_[a-z]+)*", name)
        assert name.endswith("_total") == (declaration.kind == "counter")
        assert declaration.text.endswith(".")
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    exposed = {
        family.name + ("_total" if family.type == "counter" else ""): (family.type, family.documentation)
        for family in families
        if not family.name.endswith("_created")
    }
    assert exposed == {name: (declaration.kind, declaration.text) for name, declaration in declared.items()}


def test_a_replay_feeds_every_metric(tmp_path: Path):
    metrics, now = Metrics(clock=lambda: 2e9), iter(range(2_000_000_000, 2_000_100_000))
    values = [page(f"user-{number % 5}", number * 60.0, f"item-{number % 3}") for number in range(200)]
    values += [label(f"user-{number % 5}", 12_000 + number, number % 3 + 1) for number in range(30)]
    values.append(b"no event")
    values.append(page("user-1", 12_100.0, context={"sessionId": "undefined"}))
    values.append(page("user-1", 12_101.0, context={"os": {"version": 17}}))
    # The others have expired by then; after a round, what was closed is recommended, and clicked.
    values += [page("user-0", 86_400.0 + number * 60, f"item-{number % 3}") for number in range(60)]
    # More within the allowed lateness than a row remembers.
    values += [page("user-0", 90_000.0 + number, messageId=f"m{number}") for number in range(600)]
    with Store(tmp_path) as store:
        learned = LearnedModels(store, b"a key for tests", ("engagement_tier",), metrics, lambda: 2e9)
        replay = Replay(
            store, learned, Rules(row_validity=3_600.0), metrics, lambda: next(now), round_records=50
        )
        replay.run(RecordedSource(values), lambda _records, _read: None)
        replay.close_idle()
        users = len(list(store.rows()))
    fed = series(metrics)
    empty = {name for name, values in fed.items() if not any(values.values())}
    assert empty == KAFKA_ALONE | BEGUN_AT_ZERO | OF_THE_COLLECTOR
    assert sum(fed["stream_app_events_total"].values()) == len(values)
    assert fed["stream_app_event_latency_seconds"] == {(): len(values)}
    assert fed["stream_app_users"] == {("0",): users}
    assert fed["stream_app_failed_events_total"]["bad_json",] == 1
    assert fed["stream_app_dropped_fields_total"] == {("context.os.version",): 1}
    assert fed["stream_app_training_examples_total"] == {("engagement_tier", "learned"): 30}
    assert fed["stream_app_model_examples"]["engagement_tier",] == 30
    assert {who for _, who, _, _ in fed["stream_app_prequential_score"]} == {"model", "baseline"}
    assert {"surface", "blend", "popularity"} <= {
        source for source, _, _ in fed["stream_app_recommendation_score"]
    }
    clicks = sum(fed["stream_app_recommendation_clicks_total"].values())
    assert 0 < clicks <= sum(fed["stream_app_recommended_items_total"].values())


def test_what_raises_alerts_begins_at_zero():
    fed = series(Metrics())
    assert fed["stream_app_failed_events_total"] == {(reason.value,): 0 for reason in FailureReason}
    reasons = [*(refusal.value for refusal in Refusal), "wrong_model"]
    assert fed["stream_app_refused_snapshots_total"] == {(reason,): 0 for reason in reasons}
    assert Metrics().failure_counts() == {}


def test_freshness_is_that_of_the_scrape():
    now = 1_000.0
    metrics = Metrics(clock=lambda: now)
    metrics.show_time(3, highest_at=0, watermark=-3_600)
    assert value(metrics, "stream_app_freshness_seconds", partition="3") is None
    metrics.show_time(3, highest_at=400, watermark=100)
    assert value(metrics, "stream_app_freshness_seconds", partition="3") == 600
    now = 1_500.0
    assert value(metrics, "stream_app_freshness_seconds", partition="3") == 1_100
    assert value(metrics, "stream_app_watermark_seconds", partition="3") == 100


def test_a_partition_that_moves_takes_its_series_along():
    metrics = Metrics()
    for partition in (0, 1):
        metrics.count_step(partition, StepResult(), users=7)
        metrics.show_time(partition, 500, 100)
        metrics.lag.labels(EVENTS.name, str(partition)).set(9)
    metrics.forget_partition([EVENTS.name], 0)
    metrics.forget_partition([EVENTS.name], 2)
    fed = series(metrics)
    for name in ("stream_app_users", "stream_app_watermark_seconds", "stream_app_freshness_seconds"):
        assert set(fed[name]) == {("1",)}
    assert fed["stream_app_lag_records"] == {(EVENTS.name, "1"): 9}


def test_models_that_another_process_goes_on_with_are_not_shown():
    metrics = Metrics()
    metrics.show_model("m", 1, 20, 400.0)
    metrics.show_scores("m", {"model": {"rolling": {"r2": 0.5}}, "baseline": {"rolling": {"r2": 0.0}}})
    assert (
        value(metrics, "stream_app_prequential_score", model="m", who="model", span="rolling", score="r2")
        == 0.5
    )
    assert value(metrics, "stream_app_model_created_seconds", model="m") == 400
    metrics.forget_models()
    fed = series(metrics)
    assert not any(fed[name] for name in fed if "model" in name or "score" in name)


def test_targets_that_senders_invent_share_one_series():
    metrics = Metrics()
    for number in range(50):
        metrics.count_example(f"target-{number}", ExampleOutcome.UNKNOWN_TARGET)
    metrics.count_example("engagement_tier", ExampleOutcome.LEARNED)
    assert series(metrics)["stream_app_training_examples_total"] == {
        ("unknown", "unknown_target"): 50,
        ("engagement_tier", "learned"): 1,
    }


@given(
    st.lists(st.tuples(st.floats(0, 20), st.integers(1, 5)), max_size=30),
    st.lists(st.floats(0.01, 10), min_size=1, max_size=5, unique=True).map(sorted),
)
def test_a_record_histogram_is_the_librarys_told_of_each_record(
    observed: list[tuple[float, int]], bounds: list[float]
):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    histogram = RecordHistogram("h", "Help.", bounds)
    ours.register(histogram)
    reference = Histogram("h", "Help.", registry=theirs, buckets=bounds)
    for seconds, records in observed:
        histogram.observe(seconds, records)
        for _ in range(records):
            reference.observe(seconds)
    expected = {
        (sample.name, sample.labels.get("le")): sample.value
        for family in theirs.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    found = {
        (sample.name, sample.labels.get("le")): sample.value
        for family in ours.collect()
        for sample in family.samples
    }
    assert found == pytest.approx(expected)


def test_latency_counts_every_record_of_a_batch():
    metrics = Metrics()
    metrics.count_latency(Counter({100.0: 3, 109.5: 2, 112.0: 1}), durable_at=110.0)
    assert value(metrics, "stream_app_event_latency_seconds_count") == 6
    assert (
        value(metrics, "stream_app_event_latency_seconds_sum") == 31
    )  # a clock ahead of ours counts as none
    assert value(metrics, "stream_app_event_latency_seconds_bucket", le="0.5") == 3
    assert value(metrics, "stream_app_event_latency_seconds_bucket", le="10.0") == 6


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_stays_out_of_every_metric_and_is_counted(wrong: float):
    metrics = Metrics()
    metrics.count_batch(wrong)
    metrics.count_batch(0.5)
    metrics.count_collected(1, wrong)
    metrics.count_latency({10.0: 3}, durable_at=wrong)
    metrics.show_scores("m", {"model": {"overall": {"r2": 0.5}}})
    metrics.show_scores("m", {"model": {"overall": {"r2": wrong}}})
    metrics.show_recommender({"blend": {"hr": wrong}}, {})
    assert value(metrics, "stream_app_batch_seconds_sum") == 0.5
    assert value(metrics, "stream_app_collector_durable_seconds_sum") == 0.0
    assert value(metrics, "stream_app_event_latency_seconds_sum") == 0.0
    shown = {"model": "m", "who": "model", "span": "overall", "score": "r2"}
    assert value(metrics, "stream_app_prequential_score", **shown) == 0.5
    counts = {
        name: value(metrics, "stream_app_refused_numbers_total", metric=name) for name in HELD_TO_NUMBERS
    }
    assert counts == dict.fromkeys(HELD_TO_NUMBERS, 1) | {"stream_app_event_latency_seconds": 3}


def test_a_taken_port_is_refused_with_what_to_do():
    port = free_port()
    metrics = Metrics()
    metrics.serve("127.0.0.1", port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as page_of_metrics:
        assert b"stream_app_users" in page_of_metrics.read()
    with pytest.raises(SettingsError, match="STREAM_APP_METRICS_PORT"):
        Metrics().serve("127.0.0.1", port)
