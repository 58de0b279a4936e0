import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream_app.errors import StateError
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.embedded.collecting import EmbeddedDelivery
from stream_app.runtimes.embedded.letter_box import LetterBox
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Checkpoint, Store
from stream_app.settings.rules import Rules
from stream_app.testing import START, FixedModels, page

NOW = START
HOUR = 3600.0


class Folder:
    """A data folder that can be made to fail, under a clock that the test sets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOW
        self.opened = 0
        self.is_full = False

    @contextmanager
    def open(self) -> Iterator[Replay]:
        self.opened += 1
        with FillingStore(self) as store:
            yield Replay(store, FixedModels(), Rules(), Metrics(), lambda: self.now)

    def users(self) -> set[str]:
        with Store(self.path, read_only=True) as stored:
            return {user for _, user, _ in stored.rows()}

    def schemas(self) -> list[str]:
        with Store(self.path, read_only=True) as stored:
            return list(stored.output_counts())


class FillingStore(Store):
    def __init__(self, folder: Folder) -> None:
        super().__init__(folder.path)
        self._folder = folder

    def write(self, checkpoint: Checkpoint) -> None:
        if self._folder.is_full:
            raise StateError("the disk is full")
        super().write(checkpoint)


async def _deliver(folder: Folder) -> None:
    async with EmbeddedDelivery(folder.open, HOUR, LetterBox(folder.path)) as deliver:
        await asyncio.gather(*(deliver([page(f"u{number}", 0)]) for number in range(20)))
        assert folder.users() == {f"u{number}" for number in range(20)}


def test_events_are_stored_when_their_sender_is_told(tmp_path: Path) -> None:
    asyncio.run(_deliver(Folder(tmp_path)))


async def _deliver_around_a_full_disk(folder: Folder) -> None:
    async with EmbeddedDelivery(folder.open, HOUR, LetterBox(folder.path)) as deliver:
        await deliver([page("before", 0)])
        folder.is_full = True
        with pytest.raises(StateError):
            await deliver([page("refused", 0)])
        assert not deliver.is_ready
        folder.is_full = False
        await deliver([page("after", 0)])
        assert deliver.is_ready
    assert folder.users() == {"before", "after"}
    assert folder.opened == 2


def test_what_was_refused_is_not_stored_by_a_later_commit(tmp_path: Path) -> None:
    asyncio.run(_deliver_around_a_full_disk(Folder(tmp_path)))


async def _wait_for_the_end_of_a_session(folder: Folder) -> None:
    async with EmbeddedDelivery(folder.open, 0.01, LetterBox(folder.path)) as deliver:
        await deliver([page("u", 0, item="i")])
        assert "closed_session" not in folder.schemas()
        folder.now += 24 * HOUR
        async with asyncio.timeout(20):
            while "closed_session" not in folder.schemas():
                await asyncio.sleep(0.01)


def test_a_session_is_closed_by_wall_time_when_nothing_comes(tmp_path: Path) -> None:
    asyncio.run(_wait_for_the_end_of_a_session(Folder(tmp_path)))


async def _open(folder: Folder) -> None:
    async with EmbeddedDelivery(folder.open, HOUR, LetterBox(folder.path)):
        pass


def test_a_folder_in_use_is_refused_at_the_start(tmp_path: Path) -> None:
    with Store(tmp_path), pytest.raises(StateError):
        asyncio.run(_open(Folder(tmp_path)))
    asyncio.run(_open(Folder(tmp_path)))
