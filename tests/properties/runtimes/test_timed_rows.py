"""The times beside the rows are those of the rows, whatever was written, lost, merged, or left out before."""

import shutil
import tempfile
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from rocksdict import WriteBatch

from stream_app.runtimes.common.row_store import MEBIBYTE, RowStore
from stream_app.runtimes.common.timed_rows import WITHOUT_LOG, Change

POSITION_KEY = b"position"
USER_PREFIX = b"u"
KEYS = st.sampled_from([b"u", b"u-1", b"u-2", b"u-3", b"meta", b"t-1", b"v-1"])
ROWS = st.none() | st.sampled_from([b"abc", b"acd", b"b" * 40])
CHANGES = st.lists(st.tuples(KEYS, ROWS), min_size=1, max_size=6)


def times_of(key: bytes, row: bytes) -> bytes | None:
    return b"times of " + row[:2] if key.startswith(USER_PREFIX) else None


class FollowingTheLog(RuleBasedStateMachine):
    """A store, the log that it follows, and what a scan of the log says that it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.base = tempfile.TemporaryDirectory()
        self.folders = (Path(self.base.name, str(number)) for number in count())
        self.log: list[list[Change]] = []
        self.open(next(self.folders))

    def open(self, folder: Path) -> None:
        self.folder = folder
        self.store = RowStore(folder, POSITION_KEY, MEBIBYTE, times_of=times_of)

    @rule(changes=CHANGES, starts=st.booleans())
    def write(self, changes: list[Change], starts: bool) -> None:
        newest = dict(changes)
        self.log.append(list(newest.items()))
        packed = ((key, times_of(key, row)) for key, row in newest.items() if row is not None)
        times = {key: found for key, found in packed if found is not None}
        self.store.put(newest.items(), len(self.log), times)
        if starts:
            self.start()

    @rule(changes=CHANGES)
    def write_as_a_program_that_knows_no_times(self, changes: list[Change]) -> None:
        self.log.append(changes)
        batch = WriteBatch(raw_mode=True)
        for key, row in changes:
            if row is None:
                batch.delete(key)
            else:
                batch.put(key, row)
        batch.put(POSITION_KEY, str(len(self.log)).encode())
        self.store._database.write(batch, WITHOUT_LOG)

    @rule()
    def flush(self) -> None:
        self.store.flush()

    @rule()
    def merge(self) -> None:
        self.store.purge()

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.open(self.folder)

    @rule()
    def die(self) -> None:
        self.store._database.cancel_all_background(True)
        left = next(self.folders)
        shutil.copytree(self.folder, left)
        self.store.close()
        self.open(left)
        for position, changes in list(enumerate(self.log, 1))[self.store.position :]:
            self.store.put(changes, position)

    @rule()
    def lose_some_times(self) -> None:
        """As when a program died that was making them anew."""
        self.store._database.delete(b"\xfeu-1", WITHOUT_LOG)
        self.store._database.put(b"\xfeu-2", b"of a row that is gone", write_opt=WITHOUT_LOG)
        self.write_as_a_program_that_knows_no_times([(b"meta", b"newest")])

    @property
    def held(self) -> list[tuple[bytes, bytes]]:
        newest = {key: row for changes in self.log for key, row in changes}
        return sorted((key, row) for key, row in newest.items() if row is not None)

    @invariant()
    def rows_are_those_of_the_log(self) -> None:
        assert list(self.store.items()) == self.held
        assert self.store.position == len(self.log)

    @rule()
    def start(self) -> None:
        expected = [(key, times_of(key, row)) for key, row in self.held if key.startswith(USER_PREFIX)]
        assert self.store.times(USER_PREFIX) == expected

    def teardown(self) -> None:
        self.store.close()
        self.base.cleanup()


TestFollowingTheLog = FollowingTheLog.TestCase
TestFollowingTheLog.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
