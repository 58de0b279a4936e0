"""Group commit: events that arrive during a commit are made durable together by the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

Waiting = tuple[Sequence[bytes], "asyncio.Future[None]"]


class GroupCommit:
    """Collects the events of waiting callers; `commit` makes at most `most` at once durable, or raises.

    A caller's events are never split over two commits; a caller with more than `most` gets its own.
    """

    def __init__(self, commit: Callable[[list[bytes]], Awaitable[None]], most: int) -> None:
        self._commit = commit
        self._most = most
        self._waiting: deque[Waiting] = deque()
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, events: Sequence[bytes]) -> None:
        """Return once all are durable; raises what their commit raised."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((events, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        await future

    async def finish(self) -> None:
        """Return once no caller is waiting."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        while self._waiting:
            group = self._pop_group()
            commit = self._commit([event for events, _ in group for event in events])
            (error,) = await asyncio.gather(commit, return_exceptions=True)
            for _, future in group:
                if future.done():
                    continue  # its caller has gone
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)
        self._running = None

    def _pop_group(self) -> list[Waiting]:
        group = [self._waiting.popleft()]
        count = len(group[0][0])
        while self._waiting and count + len(self._waiting[0][0]) <= self._most:
            group.append(self._waiting.popleft())
            count += len(group[-1][0])
        return group
