"""A server on a real socket, with small bounds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support.collector_client import Collector

from stream_app.serving.collector.connections import MOST_CONNECTIONS, Closing, Connections, most_connections
from stream_app.serving.collector.server import build_server, listen

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
DEADLINE_SECONDS = 30.0
LONG = 60.0
REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 12\r\n\r\n"


class Server:
    def __init__(self, port: int, connections: Connections, closed: Counter[str]) -> None:
        self.port = port
        self.connections = connections
        self.closed = closed
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self, count: int | None = None) -> Streams:
        """A connection; with a count, once the server holds that many."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        if count is not None:
            await until(lambda: len(self.connections) == count)
        return reader, writer

    async def ask(self, streams: Streams | None = None, request: bytes = REQUEST) -> bytes:
        """The head of an answer."""
        reader, writer = streams or await self.connect()
        writer.write(request)
        async with asyncio.timeout(DEADLINE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        if b"200 OK" in head:
            await reader.readexactly(len(b'{"status":"ok"}'))
        return head

    async def leave(self) -> None:
        for writer in self._writers:
            writer.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():
            await asyncio.sleep(0.005)


async def is_closed(streams: Streams) -> bytes:
    """What is read until the server closes the connection."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await streams[0].read()


@asynccontextmanager
async def serving(
    most: int = 100, of_address: int = 100, first_byte: float = LONG, head: float = LONG
) -> AsyncIterator[Server]:
    collector = Collector()
    closed: Counter[str] = Counter()
    connections = Connections(most, of_address, first_byte, head, note=lambda why: closed.update([why]))
    with listen("127.0.0.1", 0) as listener:
        server = build_server(collector.app, connections, 1.0)
        running = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)
        client = Server(listener.getsockname()[1], connections, closed)
        try:
            yield client
        finally:
            await client.leave()
            server.should_exit = True
            await running


def run(test: Callable[[Server], Awaitable[None]], **bounds: float) -> None:
    async def main() -> None:
        async with serving(**bounds) as server:  # type: ignore[arg-type]
            await test(server)

    asyncio.run(main())


@pytest.mark.parametrize("bounds", [{"most": 8}, {"of_address": 8}])
def test_silent_connections_shut_nobody_out(bounds: dict[str, int]) -> None:
    async def test(server: Server) -> None:
        silent = [await server.connect(count) for count in range(1, 9)]
        for number in range(20):
            assert b"200 OK" in await server.ask(), number
        assert await is_closed(silent[0]) == b""
        assert len(server.connections) == 8
        assert server.closed[Closing.ROOM] == 20
        assert server.closed[Closing.FULL] == 0

    run(test, **bounds)


def test_one_that_never_spoke_gives_way_before_one_that_did() -> None:
    async def test(server: Server) -> None:
        spoke = await server.connect(1)
        await server.ask(spoke)
        silent = await server.connect(2)
        await server.connect()
        assert await is_closed(silent) == b""
        assert b"200 OK" in await server.ask(spoke)

    run(test, most=2)


def test_none_that_is_being_answered_gives_way() -> None:
    async def test(server: Server) -> None:
        busy = [await server.connect(count) for count in (1, 2)]
        for _, writer in busy:
            writer.write(POST)
        await until(lambda: not server.connections._new)
        refused = await is_closed(await server.connect())
        assert refused.startswith(b"HTTP/1.1 503")
        assert server.closed == {Closing.FULL: 1}
        for streams in busy:
            assert b"HTTP/1.1 " in await server.ask(streams, b'{"batch":[]}')

    run(test, most=2)


def test_a_connection_without_a_byte_is_closed() -> None:
    async def test(server: Server) -> None:
        assert await is_closed(await server.connect()) == b""
        assert server.closed == {Closing.SILENT: 1}

    run(test, first_byte=0.05)


@pytest.mark.parametrize("is_second", [False, True])
def test_a_head_that_does_not_end_is_closed(is_second: bool) -> None:
    async def test(server: Server) -> None:
        streams = await server.connect()
        if is_second:
            await server.ask(streams)
        streams[1].write(REQUEST[:20])
        assert (await is_closed(streams)).startswith(b"HTTP/1.1 408")
        assert server.closed == {Closing.SLOW_HEAD: 1}

    run(test, head=0.1)


def test_a_head_that_comes_in_drops_has_no_more_time() -> None:
    async def test(server: Server) -> None:
        streams = await server.connect()
        closed = asyncio.create_task(is_closed(streams))
        streams[1].write(b"GET /health HTTP/1.1\r\nX: ")
        while not closed.done():
            streams[1].write(b"x")
            await asyncio.wait([closed], timeout=0.02)
        assert server.closed[Closing.SLOW_HEAD] + server.closed[Closing.LARGE_HEAD] == 1

    run(test, head=0.2)


def test_a_head_of_any_length_is_not_held() -> None:
    async def test(server: Server) -> None:
        _, writer = await server.connect(1)
        writer.write(b"GET /health HTTP/1.1\r\nX: " + b"x" * 200_000)
        await until(lambda: len(server.connections) == 0)

    run(test)


def test_places_without_a_name_have_no_cap() -> None:
    class Silent:
        place = None

        def give_way(self, why: Closing) -> None:
            raise AssertionError(why)

    connections = Connections(most=10, most_of_address=1)
    held = [Silent() for _ in range(10)]
    assert all(connections.enter(connection) for connection in held)
    for connection in held:
        connections.leave(connection)
        connections.leave(connection)
    assert len(connections) == 0


def test_as_many_as_the_process_has_files_for() -> None:
    assert 0 < most_connections() <= MOST_CONNECTIONS
