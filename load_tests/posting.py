"""Sends requests to a collector over persistent connections, each after the previous answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

HOST = "127.0.0.1"
_LENGTH = b"content-length:"


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


async def post_all(port: int, posts: Iterable[Post], connections: int) -> float:
    """Send requests, shared among so many connections; return the seconds until the last answer.

    Raises:
        PostingError: one was refused. OSError: nothing listens, or a connection broke.
    """
    left = iter(posts)
    begun_at = time.perf_counter()
    await asyncio.gather(*(_post_in_turn(port, left) for _ in range(connections)))
    return time.perf_counter() - begun_at


async def _post_in_turn(port: int, posts: Iterator[Post]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        for post in posts:
            writer.write(post.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length_of(head))
            status = head.split(b" ", 2)[1]
            if status != b"200":
                raise PostingError(f"{post.path} was answered with {status.decode()}: {body.decode()[:300]}")
    finally:
        writer.close()


def _length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            return int(line[len(_LENGTH) :])
    raise PostingError(f"an answer without a length: {head.decode()[:300]}")
