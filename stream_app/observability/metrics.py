"""Every metric, declared once with its help text; both runtimes count through `Metrics`."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app, start_http_server

from stream_app.core import identity
from stream_app.core.step import StepResult
from stream_app.errors import SettingsError
from stream_app.learning.trainer import ExampleOutcome
from stream_app.models.online.drift import DRIFT_KINDS
from stream_app.models.snapshot import Refusal
from stream_app.observability.health import Health
from stream_app.observability.record_histogram import RecordHistogram
from stream_app.schemas.outputs import FailureReason, Output, RecommendationClick, Recommendations
from stream_app.schemas.topics import CATALOGUE, EXAMPLES, SESSIONS, TOPIC_BY_CONTRACT

BATCH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
WRONG_MODEL = "wrong_model"
HELD_TO_NUMBERS = (
    "stream_app_batch_seconds",
    "stream_app_collector_durable_seconds",
    "stream_app_event_latency_seconds",
    "stream_app_prequential_score",
    "stream_app_recommendation_score",
)
UNKNOWN_TARGET = "unknown"


class Declaration(NamedTuple):
    """A metric's name, kind, labels and help text."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    text: str


class Metrics:
    """The metrics of one process, in their own registry. `clock` returns epoch seconds."""

    def __init__(
        self, registry: CollectorRegistry | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.registry = registry or CollectorRegistry()
        self.health = Health()
        self.declared: list[Declaration] = []
        self._clock = clock
        self.events = self._counter(
            "stream_app_events_total", "Input records by event type and outcome.", "type", "outcome"
        )
        self.failed = self._counter(
            "stream_app_failed_events_total", "Records sent to the failed topic, by reason.", "reason"
        )
        self.outputs = self._counter("stream_app_outputs_total", "Outputs produced, by contract.", "schema")
        self.examples = self._counter(
            "stream_app_training_examples_total",
            "Training examples that the trainer received, by target and outcome.",
            "target", "outcome",
        )  # fmt: skip
        self.refused_snapshots = self._counter(
            "stream_app_refused_snapshots_total",
            "Model snapshots that a worker did not load, by reason.",
            "reason",
        )
        self.placeholder_ids = self._counter(
            "stream_app_placeholder_ids_total",
            "Placeholder ids, such as `undefined`, that were ignored, by field.",
            "field",
        )
        self.bounded_rows = self._counter(
            "stream_app_bounded_rows_total",
            "What a user's row had no room for, by part: open sessions (closed early), linked ids and rows "
            "heard from (forgotten).",
            "part",
        )
        self.refused_claims = self._counter(
            "stream_app_refused_identity_claims_total",
            "Ids that a user claimed and did not get, by why: another has it (taken), or both were "
            "identified and no trusted source said that they are one (identified).",
            "reason",
        )
        self.refused_records = self._counter(
            "stream_app_refused_records_total",
            "Records of internal topics and of the catalogue that violate their contract.",
            "topic",
        )
        self.refused_numbers = self._counter(
            "stream_app_refused_numbers_total",
            "Values that are not finite numbers and were kept out of a metric, whose sum they would spoil.",
            "metric",
        )
        self.commits = self._counter(
            "stream_app_commits_total",
            "Batches (worker), checkpoints (embedded) or rounds of snapshots (trainer) that were committed.",
        )
        self.users = self._gauge("stream_app_users", "Users held, by partition.", "partition")
        self.forgotten_ids = self._counter(
            "stream_app_forgotten_ids_total",
            "Message ids forgotten early (beyond 512 of a user within the lateness): repeats count again.",
        )
        self.dropped_fields = self._counter(
            "stream_app_dropped_fields_total",
            "Optional fields that could not be read and were left out of their events, by name.",
            "field",
        )
        self.removed_users = self._counter(
            "stream_app_removed_users_total", "Users whose rows were removed, by reason.", "reason"
        )
        self.lag = self._gauge(
            "stream_app_lag_records",
            "Unprocessed records of a source partition (Kafka).",
            "topic", "partition",
        )  # fmt: skip
        self.stalled = self._gauge(
            "stream_app_stalled_seconds",
            "How long unprocessed records have waited, in the partition with the longest wait (Kafka).",
        )
        self.broker_silence = self._gauge(
            "stream_app_broker_silent_seconds", "How long no broker has answered (Kafka)."
        )
        self.watermark = self._gauge(
            "stream_app_watermark_seconds",
            "Event time before which events are late, by partition, in epoch seconds.",
            "partition",
        )
        self.freshness = self._gauge(
            "stream_app_freshness_seconds",
            "Wall clock at the scrape minus the newest processed event time, by partition.",
            "partition",
        )
        self.batch_seconds = self._histogram(
            "stream_app_batch_seconds",
            "Time to process a batch (worker), round (embedded) or batch of examples (trainer).",
        )
        self.event_latency = self._record_histogram(
            "stream_app_event_latency_seconds",
            "Time from a record's arrival in the log (embedded: from reading it) until its results are "
            "durable. Counts every record.",
        )
        self.model_version = self._gauge(
            "stream_app_model_version", "Version of a model's definition.", "model"
        )
        self.model_examples = self._gauge(
            "stream_app_model_examples", "Examples that the model has learned.", "model"
        )
        self.model_created = self._gauge(
            "stream_app_model_created_seconds",
            "When the newest snapshot was made (recommender: when it last learned), in epoch seconds.",
            "model",
        )
        self.score = self._gauge(
            "stream_app_prequential_score",
            "Score on examples before they were learned, of a model and of its baseline (who), over all or "
            "the latest examples (span).",
            "model", "who", "span", "score",
        )  # fmt: skip
        self.drifts = self._gauge(
            "stream_app_model_drifts",
            "Drifts found so far, by kind: the model's loss rose, or a feature's distribution changed.",
            "model", "kind",
        )  # fmt: skip
        self.recommended = self._counter(
            "stream_app_recommended_items_total", "Items recommended, by the source of each.", "source"
        )
        self.recommendation_clicks = self._counter(
            "stream_app_recommendation_clicks_total",
            "Clicks on recommended items, by the source of each.",
            "source",
        )
        self.recommendation_score = self._gauge(
            "stream_app_recommendation_score",
            "How well a source, the blend of all (surface) or popularity predicted clicks before they were "
            "learned: hit rate and reciprocal rank at 5, 10 and 20 over all or the latest clicks (span), "
            "coverage, novelty in bits.",
            "source", "span", "score",
        )  # fmt: skip
        self.evictions = self._gauge(
            "stream_app_recommender_evictions",
            "Things that the recommender dropped because of a cap, by what.",
            "what",
        )
        self.collector_requests = self._counter(
            "stream_app_collector_requests_total",
            "Requests that the collector answered, by route and status code.",
            "route", "status",
        )  # fmt: skip
        self.collector_events = self._counter(
            "stream_app_collector_events_total", "Events that the collector made durable."
        )
        self.collector_refused = self._counter(
            "stream_app_collector_refused_total",
            "Requests that the collector refused, by reason.",
            "reason",
        )
        self.collector_keys = self._counter(
            "stream_app_collector_key_requests_total",
            "Requests that the collector took, by the scope of their key and a short hash of it.",
            "scope", "key",
        )  # fmt: skip
        self.collector_closed = self._counter(
            "stream_app_collector_connections_closed_total",
            "Connections that the collector closed or refused, by reason.",
            "reason",
        )
        self.collector_seconds = self._histogram(
            "stream_app_collector_durable_seconds",
            "Time from reading a request's body until its events are durable.",
        )
        self._begin_at_zero()

    def serve(self, host: str, port: int) -> None:
        """Serve scrapes and `/health` on their own address, in a thread.

        Raises:
            SettingsError: the process cannot listen on the address.
        """
        try:
            server, _ = start_http_server(port, host, self.registry)
        except (OSError, OverflowError) as error:
            raise SettingsError(
                f"metrics cannot be served on {host}:{port} ({error}): set STREAM_APP_METRICS_PORT to a free "
                "port, one for each process of a machine, or to 0 for none"
            ) from error
        server.set_app(self.health.page(make_wsgi_app(self.registry)))

    def count_step(self, partition: int, result: StepResult, users: int) -> None:
        """Count the results of one batch; `users` is the partition's current number of users."""
        for (event_type, outcome), count in result.events.items():
            self.events.labels(event_type, outcome).inc(count)
        for reason, count in result.failures.items():
            self.failed.labels(reason).inc(count)
        for schema, count in Tally(output.schema_name for output in result.outputs).items():
            self.outputs.labels(schema).inc(count)
        self._count_recommendations(result.outputs)
        for field, count in result.placeholders.items():
            self.placeholder_ids.labels(field).inc(count)
        if result.forgotten_ids:
            self.forgotten_ids.inc(result.forgotten_ids)
        for name, count in result.dropped_fields.items():
            self.dropped_fields.labels(name).inc(count)
        for part, count in result.bounded.items():
            self.bounded_rows.labels(part).inc(count)
        for why, count in result.refused_claims.items():
            self.refused_claims.labels(why).inc(count)
        for why, count in result.removed.items():
            self.removed_users.labels(why).inc(count)
        self.users.labels(str(partition)).set(users)

    def count_example(self, target: str, outcome: ExampleOutcome) -> None:
        """Count an example; senders choose the names of targets, so those not learned share one label."""
        known = target if outcome is not ExampleOutcome.UNKNOWN_TARGET else UNKNOWN_TARGET
        self.examples.labels(known, outcome).inc()

    def count_collected(self, events: int, seconds: float) -> None:
        """Count one request's events, which became durable `seconds` after its body was read."""
        self.collector_events.inc(events)
        if self._is_number("stream_app_collector_durable_seconds", seconds):
            self.collector_seconds.observe(max(seconds, 0.0))

    def count_batch(self, seconds: float) -> None:
        """Count one batch, round or batch of examples, and how long it took."""
        if self._is_number("stream_app_batch_seconds", seconds):
            self.batch_seconds.observe(seconds)

    def count_latency(self, received: Mapping[float, int], durable_at: float) -> None:
        """Count records that are now durable, by receipt time; times in epoch seconds."""
        for received_at, records in received.items():
            if self._is_number("stream_app_event_latency_seconds", durable_at - received_at, records):
                self.event_latency.observe(max(durable_at - received_at, 0.0), records)

    def event_outcomes(self) -> dict[str, int]:
        """Records counted so far by outcome."""
        return _totals(self.events, "outcome")

    def failure_counts(self) -> dict[str, int]:
        """Failed records counted so far by reason."""
        return _totals(self.failed, "reason")

    def show_time(self, partition: int, highest_at: float, watermark: float) -> None:
        """Show a partition's progress; times in epoch seconds, 0 before the first event."""
        if highest_at:
            self.watermark.labels(str(partition)).set(watermark)
            self.freshness.labels(str(partition)).set_function(lambda: self._clock() - highest_at)

    def show_model(self, model: str, version: int, examples: int, created_at: float) -> None:
        """Show the newest state of a model; `created_at` in epoch seconds."""
        self.model_version.labels(model).set(version)
        self.model_examples.labels(model).set(examples)
        self.model_created.labels(model).set(created_at)

    def show_scores(self, model: str, scores: dict[str, dict[str, dict[str, float]]]) -> None:
        """Show a model's prequential scores beside its baseline's."""
        for who, spans in scores.items():
            for span, figures in spans.items():
                for score, value in figures.items():
                    if self._is_number("stream_app_prequential_score", value):
                        self.score.labels(model, who, span, score).set(value)

    def show_drifts(self, model: str, counts: Mapping[str, int]) -> None:
        """Show the number of drifts found in a model's loss and features."""
        for kind in DRIFT_KINDS:
            self.drifts.labels(model, kind).set(counts.get(kind, 0))

    def show_recommender(
        self, scores: Mapping[str, Mapping[str, float]], evictions: Mapping[str, int]
    ) -> None:
        """Show the recommender's prequential scores by source, and its evictions."""
        for source, figures in scores.items():
            for name, value in figures.items():
                span = "recent" if name.startswith("recent_") else "overall"
                if self._is_number("stream_app_recommendation_score", value):
                    self.recommendation_score.labels(source, span, name.removeprefix("recent_")).set(value)
        for what, count in evictions.items():
            self.evictions.labels(what).set(count)

    def forget_partition(self, topics: Iterable[str], partition: int) -> None:
        """Stop showing a partition that has moved elsewhere."""
        for topic in topics:
            self.lag.remove(topic, str(partition))
        for gauge in (self.users, self.watermark, self.freshness):
            gauge.remove(str(partition))

    def forget_models(self) -> None:
        """Stop showing models that another process has taken over."""
        for gauge in (self.model_version, self.model_examples, self.model_created, self.score, self.drifts):
            gauge.clear()

    def _is_number(self, metric: str, value: float, times: int = 1) -> bool:
        if not isfinite(value):
            self.refused_numbers.labels(metric).inc(times)
        return isfinite(value)

    def _count_recommendations(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if isinstance(output, Recommendations):
                for source, count in Tally(item.source for item in output.items).items():
                    self.recommended.labels(source).inc(count)
            elif isinstance(output, RecommendationClick):
                self.recommendation_clicks.labels(output.item_source).inc()

    def _begin_at_zero(self) -> None:
        # Prometheus sees no increase in a series that starts at 1, so the first failure would raise no alert.
        for reason in FailureReason:
            self.failed.labels(reason)
        for refusal in (*Refusal, WRONG_MODEL):
            self.refused_snapshots.labels(refusal)
        for why in (identity.TAKEN, identity.IDENTIFIED):
            self.refused_claims.labels(why)
        for topic in (CATALOGUE, EXAMPLES, SESSIONS):
            self.refused_records.labels(topic.name)
        for metric in HELD_TO_NUMBERS:
            self.refused_numbers.labels(metric)
        for contract in TOPIC_BY_CONTRACT:
            self.outputs.labels(contract.model_fields["schema_name"].default)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self.declared.append(Declaration(name, "counter", labels, text))
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        self.declared.append(Declaration(name, "gauge", labels, text))
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        self.declared.append(Declaration(name, "histogram", (), text))
        return Histogram(name, text, registry=self.registry, buckets=BATCH_BUCKETS)

    def _record_histogram(self, name: str, text: str) -> RecordHistogram:
        self.declared.append(Declaration(name, "histogram", (), text))
        histogram = RecordHistogram(name, text, LATENCY_BUCKETS)
        self.registry.register(histogram)
        return histogram


def _totals(counter: Counter, label: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for family in counter.collect():
        for sample in family.samples:
            if sample.name.endswith("_total") and sample.value:
                totals[sample.labels[label]] = totals.get(sample.labels[label], 0) + int(sample.value)
    return totals
