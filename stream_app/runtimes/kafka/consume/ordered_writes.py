"""Pending writes: one after another within a partition, in parallel across partitions."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable

from stream_app.errors import BrokerError

AHEAD = 1
# Lets the event loop send a first write to the broker before anything else is computed.
SENDING_SECONDS = 0.001


class OrderedWrites:
    """Starts each write when the previous one of its partition is done, and none after a failure.

    So a batch can be computed while the previous one is still being written.
    """

    def __init__(self) -> None:
        self._under_way: defaultdict[int, deque[asyncio.Task[None]]] = defaultdict(deque)
        self._failure: Exception | None = None

    async def room(self, partition: int) -> None:
        """Wait until at most `AHEAD` of a partition's writes are pending.

        Raises the first failure of any write.
        """
        await self._wait(partition, AHEAD)

    async def finished(self, partition: int) -> None:
        """Wait until all of a partition's writes are done.

        Raises the first failure of any write.
        """
        await self._wait(partition, 0)

    async def begin(self, partition: int, write: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Queue a write; the task completes when the write has, and raises the first failure of any write."""
        writes = self._under_way[partition]
        task = asyncio.create_task(self._write_after(writes[-1] if writes else None, write))
        writes.append(task)
        task.add_done_callback(writes.remove)
        await asyncio.sleep(SENDING_SECONDS)
        return task

    async def _wait(self, partition: int, left: int) -> None:
        writes = self._under_way[partition]
        while len(writes) > left:
            await asyncio.wait([writes[0]])
        self._raise_failure()

    async def _write_after(
        self, before: asyncio.Task[None] | None, write: Callable[[], Awaitable[None]]
    ) -> None:
        if before is not None:
            await asyncio.wait([before])  # unlike `await`, this does not cancel it together with this task
        self._raise_failure()
        try:
            await write()
        except asyncio.CancelledError:
            self._failure = self._failure or BrokerError("a write was broken off")
            raise
        except Exception as error:
            self._failure = self._failure or error
            raise

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
