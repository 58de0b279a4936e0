"""What every runtime must do, done by the embedded runtime."""

from collections.abc import Sequence
from pathlib import Path

from behaviour.runtime_behaviour import RULES, Processed, RawRecord, RuntimeBehaviour

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.testing import RECEIVED_AT, FixedModels, RecordedSource, as_json


class TestEmbedded(RuntimeBehaviour):
    carries_nulls = False  # a file has none
    carries_keys = False

    def process(self, folder: Path, *deliveries: Sequence[RawRecord]) -> Processed:
        metrics = Metrics()
        values = [record.value or b"" for delivery in deliveries for record in delivery]
        done = 0
        for delivery in deliveries:
            done += len(delivery)
            with Store(folder) as store:
                replay = Replay(store, FixedModels(), RULES, metrics, lambda: RECEIVED_AT, round_records=64)
                replay.run(RecordedSource(values[:done], is_live=True), lambda _records, _read: None)
                if done == len(values):
                    replay.close_idle()
        with Store(folder, read_only=True) as store:
            rows = {user: row for _, user, row in store.rows()}
            return Processed(rows, [as_json(body) for body in store.outputs()], metrics)
