"""Delivers a collector's events into a data folder: processed on arrival and durable before the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Self

from stream_app.errors import StateError
from stream_app.runtimes.common.group_commit import GroupCommit
from stream_app.runtimes.embedded.letter_box import LetterBox
from stream_app.runtimes.embedded.onlookers import Onlookers
from stream_app.runtimes.embedded.replay import ROUND_RECORDS, Replay

log = logging.getLogger(__name__)
REQUEST_SECONDS = 0.25


class EmbeddedDelivery:
    """One thread opens the folder and does all work on it, because SQLite requires that.

    `open_replay` opens the folder. After a failure the folder is reopened, because memory is then ahead of
    what is stored. After `idle_check` seconds without events, sessions are closed by wall time. Privacy
    requests that others leave in `letter_box` are granted as they come. `onlookers` see what was stored.
    """

    def __init__(
        self,
        open_replay: Callable[[], AbstractContextManager[Replay]],
        idle_check: float,
        letter_box: LetterBox,
        onlookers: Onlookers | None = None,
    ) -> None:
        self._open_replay = open_replay
        self._letter_box = letter_box
        self._onlookers = onlookers
        self._idle_check = idle_check
        self._thread = ThreadPoolExecutor(1, "data-folder")
        self._group = GroupCommit(self._commit, ROUND_RECORDS)
        self._opened = ExitStack()
        self._replay: Replay | None = None
        self._is_idle = True

    @property
    def is_ready(self) -> bool:
        """Whether the folder is open."""
        return self._replay is not None

    async def __aenter__(self) -> Self:
        """Open the folder.

        Raises:
            StateError: it cannot be used.
        """
        await self._on_thread(self._open)
        self._tasks = [
            asyncio.create_task(self._close_idle_sessions()),
            asyncio.create_task(self._grant_requests()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._group.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._on_thread(self._close)
        self._thread.shutdown()

    async def __call__(self, events: Sequence[bytes]) -> None:
        """Return once the events are processed and stored.

        Raises:
            StateError: they could not be stored; none was.
        """
        await self._group(events)

    async def _commit(self, values: list[bytes]) -> None:
        self._is_idle = False
        await self._on_thread(lambda: self._use(lambda replay: replay.process(values)))
        if self._onlookers is not None:
            self._onlookers.show(values)

    async def _close_idle_sessions(self) -> None:
        while True:
            await asyncio.sleep(self._idle_check)
            if self._is_idle and self._replay is not None:
                await self._on_thread(lambda: self._use(_tidy))
            self._is_idle = True

    async def _grant_requests(self) -> None:
        while True:
            await asyncio.sleep(REQUEST_SECONDS)
            if self._onlookers is not None:
                self._onlookers.flush()
            if self._letter_box.is_empty():
                continue
            try:
                await self._on_thread(
                    lambda: self._use(lambda replay: self._letter_box.grant_all(replay.erase))
                )
            except StateError as error:
                log.warning("privacy requests wait: %s", error)

    async def _on_thread(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _use(self, work: Callable[[Replay], object]) -> None:
        try:
            work(self._replay or self._open())
        except BaseException:
            self._close()
            raise

    def _open(self) -> Replay:
        self._replay = self._opened.enter_context(self._open_replay())
        return self._replay

    def _close(self) -> None:
        self._replay = None
        self._opened.close()


def _tidy(replay: Replay) -> None:
    replay.close_idle(is_live=True)
    if replay.score_again(ROUND_RECORDS, is_idle=True):
        replay.keep()
