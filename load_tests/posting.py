"""Sends requests to a collector over persistent connections, each after the previous answer."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Post(NamedTuple):
    """A request: its path, and its body as JSON."""

    path: str
    body: bytes

    def encode(self) -> bytes:
        """Encode it for the wire (HTTP/1.1)."""
        head = f"POST {self.path} HTTP/1.1\r\nhost: {HOST}\r\nuser-agent: load-test\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        return head.encode() + self.body


class PostingError(RuntimeError):
    """A request was not answered with 200."""


class Posted(NamedTuple):
    """Seconds until the last answer, and from each request to its answer."""

    seconds: float
    latencies: list[float]


async def post_all(port: int, posts: Iterable[Post], connections: int) -> Posted:
    """Send requests, shared among so many connections.

    The sender shares a machine with what it measures: requests are encoded before, and answers only cut.

    Raises:
        PostingError: one was refused. OSError: nothing listens, or a connection broke.
    """
    encoded = [post.encode() for post in posts]
    left, latencies = iter(encoded), list[float]()
    loop = asyncio.get_running_loop()
    senders = [_Sender(left, latencies, loop.create_future()) for _ in range(connections)]
    begun_at = time.perf_counter()
    for sender in senders:
        await loop.create_connection(lambda sender=sender: sender, HOST, port)  # type: ignore[misc]
    try:
        await asyncio.gather(*(sender.done for sender in senders))
    finally:
        for sender in senders:
            sender.transport.close()
    return Posted(time.perf_counter() - begun_at, latencies)


class _Sender(asyncio.Protocol):
    """One connection: sends a request, notes how long its answer takes, and sends the next one."""

    transport: asyncio.Transport

    def __init__(self, left: Iterator[bytes], latencies: list[float], done: asyncio.Future[None]) -> None:
        self.done = done
        self._left = left
        self._latencies = latencies
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send_next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, separator, body = self._answer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _LENGTH.search(head + b"\r\n")
        if length is None:
            self._fail(PostingError(f"an answer without a length: {head.decode()[:300]}"))
        elif len(body) >= int(length[1]):
            self._latencies.append(time.perf_counter() - self._sent_at)
            status = head.split(b" ", 2)[1]
            if status != b"200":
                path = self._request.split(b" ", 2)[1].decode()
                self._fail(PostingError(f"{path} was answered with {status.decode()}: {body.decode()[:300]}"))
            else:
                self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the collector closed a connection"))

    def _send_next(self) -> None:
        self._answer = b""
        request = next(self._left, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            return
        self._request, self._sent_at = request, time.perf_counter()
        self.transport.write(request)

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
