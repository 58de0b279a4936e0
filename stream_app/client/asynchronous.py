"""The client for asyncio: each question in a thread, with a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Self, TypeVar

from stream_app.client.answers import Event, RecommendationList, User
from stream_app.client.synchronous import NOTHING, Client

T = TypeVar("T")
MOST_CONNECTIONS = 8


class AsyncClient:
    """As `Client`, for asyncio; at most `connections` questions are under way at once."""

    def __init__(
        self, address: str, key: str | None = None, timeout: float = 10.0, connections: int = MOST_CONNECTIONS
    ) -> None:
        self._threads = ThreadPoolExecutor(connections, "stream-app-client")
        self._idle: SimpleQueue[Client] = SimpleQueue()
        self._clients = [Client(address, key, timeout) for _ in range(connections)]
        self._address, self._key, self._timeout = address, key, timeout
        for client in self._clients:
            self._idle.put(client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait for what is under way, and let the connections go."""
        await asyncio.to_thread(self._threads.shutdown)
        for client in self._clients:
            client.close()

    async def user(self, user_id: str) -> User:
        """What is known of a user (scope `read`)."""
        return await self._ask(lambda client: client.user(user_id))

    async def timeline(self, user_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """A user's newest outputs, the newest first (scope `read`)."""
        return await self._ask(lambda client: client.timeline(user_id, limit))

    async def recommend(
        self,
        items: Sequence[str],
        count: int = 10,
        exclude: Sequence[str] = (),
        surface: str = "api",
        context: Mapping[str, str] = NOTHING,
    ) -> RecommendationList:
        """The next items of a session, in click order so far (scope `recommend`)."""
        return await self._ask(lambda client: client.recommend(items, count, exclude, surface, context))

    async def tell(self, request_id: str, seen: Sequence[str] = (), clicked: str | None = None) -> None:
        """Tell what of a list was seen and clicked (scope `recommend`)."""
        await self._ask(lambda client: client.tell(request_id, seen, clicked))

    async def stream(self, schemas: Sequence[str] = (), after: int | None = None) -> AsyncIterator[Event]:
        """Outputs as they are written, without end (scope `read`)."""
        events = Client(self._address, self._key, self._timeout).stream(schemas, after)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "stream-app-stream") as thread:
            while (event := await loop.run_in_executor(thread, next, events, None)) is not None:
                yield event

    async def _ask(self, question: Callable[[Client], T]) -> T:
        def ask() -> T:
            client = self._idle.get()
            try:
                return question(client)
            finally:
                self._idle.put(client)

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
