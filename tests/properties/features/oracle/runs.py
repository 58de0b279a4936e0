"""The core and the oracle side by side on one stream: cut into batches, with restarts between them."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from properties.features.oracle.every_event import EveryEvent, History
from properties.features.oracle.plain_cleaner import PLAIN_INTAKE
from properties.features.oracle.streams import Arrival, Idle, Manner, cut
from properties.features.oracle.visits import Visits, visits_of

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.row_times import pack_stored_times, unpack_times
from stream_app.core.step import StepResult, close_idle, step
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.schemas.outputs import Output
from stream_app.settings.rules import Rules
from stream_app.testing import FixedModels

MODELS = FixedModels().models


class User(NamedTuple):
    """One user as the core knows them and as the oracle does."""

    row: UserRow
    history: History
    visits: Visits


def remember(arrivals: Sequence[Arrival | Idle], rules: Rules, last_offset: int | None = None) -> EveryEvent:
    """Give the oracle a stream up to an offset."""
    oracle, offset = EveryEvent(rules), 0
    for arrival in arrivals:
        if last_offset is not None and offset > last_offset:
            break
        if isinstance(arrival, Idle):
            oracle.idle(arrival.now)
        else:
            oracle.count(offset, arrival.value, arrival.received_at)
            offset += 1
    return oracle


class Run:
    """What both made of a stream."""

    def __init__(
        self, manner: Manner, rules: Rules | None = None, arrivals: Sequence[Arrival | Idle] | None = None
    ) -> None:
        self.rules = rules or Rules()
        self.outputs: list[Output] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._stored: dict[str, bytes] = {}
        self._start(None)
        self.arrivals = manner.arrivals() if arrivals is None else arrivals
        self._process_all(Random(manner.seed + 1))
        self.oracle = remember(self.arrivals, self.rules)

    @property
    def users(self) -> list[User]:
        """Every user of the stream; whoever sent nothing that was accepted has no row."""
        assert self.rows.keys() == self.oracle.histories.keys()
        return [
            User(self.rows[user], history, visits_of(self.oracle, user))
            for user, history in self.oracle.histories.items()
        ]

    @property
    def read_times(self) -> list[float]:
        """Some times after the whole stream, at which rows are read."""
        highest_at = self.oracle.highest_at
        return [highest_at, *(highest_at + later for later in (1.5, 400.0, 4_000.0, 9e4, 7e5, 3e6))]

    def oracle_at(self, offset: int) -> EveryEvent:
        """The oracle as it was once the record at an offset had come."""
        return remember(self.arrivals, self.rules, offset)

    def _start(self, meta: bytes | None) -> None:
        """Begin, or begin again after all memory is lost."""
        self._partition = Partition(0, self.rules, meta)
        self.rows = {user: decode_row(row) for user, row in self._stored.items()}
        self._partition.hold(list(self._stored), unpack_times(map(pack_stored_times, self._stored.values())))

    def _process_all(self, random: Random) -> None:
        offset = 0
        for piece in cut(random, self.arrivals):
            records: list[Record] = []
            for arrival in piece:
                if isinstance(arrival, Idle):
                    self._process(records)
                    records = []
                    self._keep(close_idle(self._partition, self.rows, MODELS, self.rules, arrival.now))
                else:
                    records.append(Record(offset, None, arrival.value, arrival.received_at))
                    offset += 1
            self._process(records)
            if random.random() < 0.3:
                self._start(self._partition.encode_meta())

    def _process(self, records: Sequence[Record]) -> None:
        batch = Batch("events", 0, records)
        self._keep(step(self._partition, batch, self.rows, PLAIN_INTAKE, MODELS, self.rules, 0.0))

    def _keep(self, result: StepResult) -> None:
        for user, row in result.rows.items():
            assert row is not None
            self.rows[user] = row
            self._stored[user] = encode_row(row)
        self.outputs += result.outputs
        self.outcomes += result.events
