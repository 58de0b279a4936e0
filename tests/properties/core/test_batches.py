"""Whatever the stream: where batches are cut, and what is delivered again, changes nothing."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.row_times import pack_stored_times, unpack_times
from stream_app.core.step import StepResult, close_idle, step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.schemas.outputs import Output
from stream_app.settings.rules import Rules
from stream_app.testing import (
    INTAKE,
    RECEIVED_AT,
    START,
    FixedModels,
    FixedTierModel,
    comparable,
    page,
    random_events,
    records,
)

RULES = Rules(
    tier_interval=300.0,
    content_starts=frozenset({"page"}),
    content_completions=frozenset({"Product Clicked"}),
    content_horizon=4 * 3_600.0,
)
DAY = 86_400.0
# Rows that expire, rows that make room for others, and both.
EVERY_RULES = [
    RULES,
    Rules(tier_interval=300.0, row_validity=2 * DAY, tier_validity=2 * 3_600.0),
    Rules(tier_interval=300.0, max_users=2),
    Rules(tier_interval=0.0, row_validity=DAY, max_users=3, default_consent=3),
]
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

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.stored: dict[str, bytes] = {}
        self.meta: bytes | None = None
        self.outputs: list[Output] = []
        self.start()

    def start(self) -> None:
        self.partition = Partition(0, self.rules, self.meta)
        self.rows = {key: decode_row(row) for key, row in self.stored.items()}
        self.partition.hold(list(self.stored), unpack_times(map(pack_stored_times, self.stored.values())))

    def process(self, batch: Sequence[Record], now: float = RECEIVED_AT) -> StepResult:
        result = step(self.partition, Batch("events", 0, batch), self.rows, INTAKE, MODELS, self.rules, now)
        self.keep(result)
        return result

    def close_idle(self) -> None:
        self.keep(close_idle(self.partition, self.rows, MODELS, self.rules, IDLE_AT))

    def keep(self, result: StepResult) -> None:
        for key, row in result.rows.items():
            if row is None:
                self.rows.pop(key, None)
                self.stored.pop(key, None)
            else:
                self.rows[key], self.stored[key] = row, encode_row(row)
        self.outputs += result.outputs
        self.meta = self.partition.encode_meta()


def run(batches: Sequence[Sequence[Record]], restarts: bool = False, rules: Rules = RULES) -> Worker:
    worker = Worker(rules)
    for number, batch in enumerate(batches):
        worker.process(batch, RECEIVED_AT + number)
        if restarts:
            worker.start()
    worker.close_idle()
    return worker


def cut(random: Random, sequence: Sequence[Record]) -> list[Sequence[Record]]:
    places = sorted(random.choices(range(len(sequence) + 1), k=random.randrange(1, 12)))
    return [sequence[begin:end] for begin, end in zip([0, *places], [*places, len(sequence)], strict=True)]


@every_stream
@given(streams, st.randoms(use_true_random=False), st.booleans(), st.sampled_from(EVERY_RULES))
def test_rows_and_outputs_do_not_depend_on_the_cuts(
    values: list[bytes], random: Random, restarts: bool, rules: Rules
) -> None:
    whole = run([records(values)], rules=rules)
    in_parts = run(cut(random, records(values)), restarts, rules)
    one_by_one = run([[record] for record in records(values)], rules=rules)
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
    results = [worker.process(batch) for batch in cut(random, records(values))]
    assert sum(sum(result.events.values()) for result in results) == len(values)
    assert sum(result.new_users for result in results) == len(worker.stored) == worker.partition.users
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
        result = worker.process(batch)
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
    worker.process(deliveries[:begin])
    rows_before, meta_before = dict(worker.stored), worker.meta
    result = worker.process(deliveries[begin:end])
    written = {key for key in result.rows if random.random() < 0.5}
    worker.stored = rows_before | {key: encode_row(result.rows[key]) for key in written}
    worker.meta = meta_before
    worker.start()
    for batch in cut(random, deliveries[begin:]):
        worker.process(batch)
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


@every_stream
@given(streams, st.randoms(use_true_random=False), st.sampled_from(EVERY_RULES[1:]))
def test_no_more_rows_are_held_than_the_rules_allow(
    values: list[bytes], random: Random, rules: Rules
) -> None:
    worker, removed, begun = Worker(rules), 0, 0
    for batch in cut(random, records(values)):
        result = worker.process(batch)
        begun, removed = begun + result.new_users, removed + sum(result.removed.values())
        assert len(worker.stored) == worker.partition.users == begun - removed
        assert not rules.max_users or len(worker.stored) <= rules.max_users
        oldest_day = (worker.partition.watermark - rules.row_validity) // DAY
        assert all(row.seen_at // DAY >= oldest_day for row in worker.rows.values())


def test_the_user_idle_for_longest_makes_room_and_their_session_is_not_lost() -> None:
    worker = Worker(Rules(max_users=2))
    seen = [page("a", 0, "x"), page("b", DAY, "y"), page("a", 2 * DAY, "z"), page("c", 3 * DAY, "x")]
    results = [worker.process([record]) for record in records(seen)]
    assert set(worker.stored) == {"a", "c"}
    assert [dict(result.removed) for result in results] == [{}, {}, {}, {"evicted": 1}]
    closed = [output for output in worker.outputs if output.schema_name == "closed_session"]
    assert [(output.user_key, output.items) for output in closed] == [
        ("a", ["x"]),
        ("b", ["y"]),
        ("a", ["z"]),
    ]


def test_a_row_expires_once_its_validity_is_over_and_not_before() -> None:
    rules = Rules(row_validity=3 * DAY, allowed_lateness=0.0)
    worker = Worker(rules)
    for number, (at, held) in enumerate([(0, "ab"), (3, "ab"), (4, "b")]):
        worker.process(records([page("b" if at else "a", at * DAY)] + [page("b", 0)] * (not at), number * 2))
        assert set(worker.stored) == set(held)
