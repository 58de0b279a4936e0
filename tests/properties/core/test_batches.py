"""Whatever the stream: where batches are cut, and what is delivered again, changes nothing."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.outputs import Output
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.rules import Rules
from stream_app.core.step import StepResult, close_idle, step
from stream_app.core.user_row import UserRow, decode_row, encode_row
from stream_app.testing import (
    RECEIVED_AT,
    START,
    FixedModels,
    FixedTierModel,
    comparable,
    random_events,
    records,
)

RULES = Rules(tier_interval=300.0)
# Says nothing of users with few events, so that both the model and the rule by usage decide.
MODELS = FixedModels(tiers=FixedTierModel(2, 4, silent_below=6)).models
IDLE_AT = START + 400 * 86_400

streams = st.builds(
    lambda seed, count, users, pause: random_events(Random(seed), count, users, pause),
    st.integers(0, 2**32),
    st.integers(1, 150),
    st.integers(1, 6),
    st.sampled_from([30.0, 300.0, 1_500.0]),
)
every_stream = settings(max_examples=25, deadline=None)


class Worker:
    """What is durable of one partition, and a process that works on it until it is lost."""

    def __init__(self, stored: dict[str, bytes] | None = None, meta: bytes | None = None) -> None:
        self.stored, self.meta = dict(stored or {}), meta
        self.outputs: list[Output] = []
        self.start()

    def start(self) -> None:
        self.partition = Partition(0, RULES, self.meta)
        self.rows = {key: decode_row(row) for key, row in self.stored.items()}
        self.partition.schedule_all(self.rows.items())

    def take(self, batch: Sequence[Record], now: float = RECEIVED_AT) -> StepResult:
        result = step(self.partition, Batch("events", 0, batch), self.rows, MODELS, RULES, now)
        self.keep(result)
        return result

    def close_idle(self) -> None:
        self.keep(close_idle(self.partition, self.rows, MODELS, RULES, IDLE_AT))

    def keep(self, result: StepResult) -> None:
        self.rows |= result.rows
        self.stored |= {key: encode_row(row) for key, row in result.rows.items()}
        self.outputs += result.outputs
        self.meta = self.partition.encode_meta()


def run(batches: Sequence[Sequence[Record]], restarts: bool = False) -> Worker:
    worker = Worker()
    for number, batch in enumerate(batches):
        worker.take(batch, RECEIVED_AT + number)
        if restarts:
            worker.start()
    worker.close_idle()
    return worker


def cut(random: Random, sequence: Sequence[Record]) -> list[Sequence[Record]]:
    places = sorted(random.choices(range(len(sequence) + 1), k=random.randrange(1, 12)))
    return [sequence[begin:end] for begin, end in zip([0, *places], [*places, len(sequence)], strict=True)]


@every_stream
@given(streams, st.randoms(use_true_random=False), st.booleans())
def test_rows_and_outputs_do_not_depend_on_the_cuts(
    values: list[bytes], random: Random, restarts: bool
) -> None:
    whole = run([records(values)])
    in_parts = run(cut(random, records(values)), restarts)
    one_by_one = run([[record] for record in records(values)])
    for other in (in_parts, one_by_one):
        assert other.stored == whole.stored
        assert other.meta == whole.meta
        assert comparable(other.outputs) == comparable(whole.outputs)
        assert len(other.outputs) == len(whole.outputs)


@every_stream
@given(streams)
def test_every_output_has_an_id_of_its_own(values: list[bytes]) -> None:
    outputs = run([records(values)]).outputs
    assert len({output.id for output in outputs}) == len(outputs)


@every_stream
@given(streams, st.randoms(use_true_random=False))
def test_every_record_has_one_outcome(values: list[bytes], random: Random) -> None:
    worker = Worker()
    results = [worker.take(batch) for batch in cut(random, records(values))]
    assert sum(sum(result.events.values()) for result in results) == len(values)
    assert sum(result.new_users for result in results) == len(worker.stored)
    failed = sum(sum(result.failures.values()) for result in results)
    assert failed == sum(output.schema_name == "failed_event" for output in worker.outputs)


@every_stream
@given(streams, st.randoms(use_true_random=False))
def test_what_is_delivered_again_changes_nothing(values: list[bytes], random: Random) -> None:
    worker = run([records(values)])
    stored, meta = dict(worker.stored), worker.meta
    worker.outputs.clear()
    worker.start()
    begin, end = sorted(random.choices(range(len(values) + 1), k=2))
    for batch in cut(random, records(values)[begin:end]):
        result = worker.take(batch)
        assert result.rows == {}
        assert result.outputs == []
    assert (worker.stored, worker.meta) == (stored, meta)


@every_stream
@given(streams, st.randoms(use_true_random=False))
def test_a_crash_between_the_rows_and_the_meta_repeats_outputs_and_changes_no_row(
    values: list[bytes], random: Random
) -> None:
    """Outputs are out, some of the rows are written, the meta is not; then the batch comes again."""
    deliveries = records(values)
    whole = run([deliveries])
    begin, end = sorted(random.choices(range(len(values) + 1), k=2))
    worker = Worker()
    worker.take(deliveries[:begin])
    rows_before, meta_before = dict(worker.stored), worker.meta
    result = worker.take(deliveries[begin:end])
    written = {key for key in result.rows if random.random() < 0.5}
    worker.stored = rows_before | {key: encode_row(result.rows[key]) for key in written}
    worker.meta = meta_before
    worker.start()
    for batch in cut(random, deliveries[begin:]):
        worker.take(batch)
    worker.close_idle()
    assert worker.stored == whole.stored
    assert worker.meta == whole.meta
    assert comparable(worker.outputs) == comparable(whole.outputs)


@every_stream
@given(streams)
def test_rows_are_read_back_as_they_were(values: list[bytes]) -> None:
    worker = run([records(values)])
    for key, row in worker.rows.items():
        assert isinstance(row, UserRow)
        assert decode_row(worker.stored[key]) == row
        assert encode_row(decode_row(worker.stored[key])) == worker.stored[key]
