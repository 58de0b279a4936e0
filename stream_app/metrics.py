"""Every metric, declared once with its help text; both runtimes count through `Metrics`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from stream_app.core.step import StepResult

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.events = self._counter(
            "stream_app_events_total", "Input records by event type and outcome.", "type", "outcome"
        )
        self.failed = self._counter(
            "stream_app_failed_events_total", "Records sent to the failed topic, by reason.", "reason"
        )
        self.outputs = self._counter("stream_app_outputs_total", "Outputs sent, by contract.", "schema")
        self.examples = self._counter(
            "stream_app_training_examples_total", "Training examples taken, by target and outcome.",
            "target", "outcome",
        )  # fmt: skip
        self.refused_snapshots = self._counter(
            "stream_app_refused_snapshots_total", "Model snapshots that were not loaded, by reason.", "reason"
        )
        self.refused_records = self._counter(
            "stream_app_refused_records_total",
            "Records of internal topics that break their contract.",
            "topic",
        )
        self.commits = self._counter(
            "stream_app_commits_total", "Batches or checkpoints made durable and committed."
        )
        self.users = self._gauge("stream_app_users", "Users held, by partition.", "partition")
        self.lag = self._gauge(
            "stream_app_lag_records", "Records that wait in a source partition.", "topic", "partition"
        )
        self.watermark = self._gauge(
            "stream_app_watermark_seconds",
            "Event time up to which a partition is complete, in epoch seconds.",
            "partition",
        )
        self.freshness = self._gauge(
            "stream_app_freshness_seconds",
            "Wall clock less the newest event time processed, by partition.",
            "partition",
        )
        self.batch_seconds = self._histogram(
            "stream_app_batch_seconds", "Time to process a batch and make it durable."
        )
        self.event_seconds = self._histogram(
            "stream_app_event_latency_seconds",
            "From a record's receipt by the log to its outputs being durable, newest record of each batch.",
        )
        self.model_version = self._gauge("stream_app_model_version", "Version of a loaded model.", "model")
        self.model_examples = self._gauge(
            "stream_app_model_examples", "Examples that a loaded model has learned.", "model"
        )
        self.model_created = self._gauge(
            "stream_app_model_created_seconds",
            "When a loaded model was published, in epoch seconds.",
            "model",
        )
        self.score = self._gauge(
            "stream_app_prequential_score",
            "Score on examples before they were learned, of a model and of its baseline (who).",
            "model", "who", "span", "score",
        )  # fmt: skip

    def serve(self, host: str, port: int) -> None:
        """Answer scrapes on an address of their own, in a thread."""
        start_http_server(port, host, self.registry)

    def count_step(self, partition: int, result: StepResult) -> None:
        """Count what one batch came to."""
        for (event_type, outcome), count in result.events.items():
            self.events.labels(event_type, outcome).inc(count)
        for reason, count in result.failures.items():
            self.failed.labels(reason).inc(count)
        for output in result.outputs:
            self.outputs.labels(output.schema_name).inc()
        if result.new_users:
            self.users.labels(str(partition)).inc(result.new_users)

    def event_outcomes(self) -> dict[str, int]:
        """Records counted so far by outcome."""
        return _totals(self.events, "outcome")

    def failure_counts(self) -> dict[str, int]:
        """Failed records counted so far by reason."""
        return _totals(self.failed, "reason")

    def show_time(self, partition: int, highest_at: float, watermark: float, now: float) -> None:
        """Show how far a partition has come; times in epoch seconds."""
        self.watermark.labels(str(partition)).set(watermark)
        self.freshness.labels(str(partition)).set(now - highest_at)

    def show_model(self, model: str, version: int, examples: int, created_at: float | None) -> None:
        """Show the model that is scored with."""
        self.model_version.labels(model).set(version)
        self.model_examples.labels(model).set(examples)
        if created_at is not None:
            self.model_created.labels(model).set(created_at)

    def show_scores(self, model: str, scores: dict[str, dict[str, dict[str, float]]]) -> None:
        """Show a model's prequential scores beside its baseline's."""
        for who, spans in scores.items():
            for span, figures in spans.items():
                for score, value in figures.items():
                    self.score.labels(model, who, span, score).set(value)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, registry=self.registry, buckets=LATENCY_BUCKETS)


def _totals(counter: Counter, label: str) -> dict[str, int]:
    totals: dict[str, int] = {}
    for family in counter.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                totals[sample.labels[label]] = totals.get(sample.labels[label], 0) + int(sample.value)
    return totals
