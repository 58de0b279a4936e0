"""What is sent to a collector that is measured, and how."""

import asyncio
from collections.abc import Sequence

import orjson
import pytest

from load_tests.collecting import BATCH_EVENTS, batch_calls, single_calls
from load_tests.posting import HOST, Post, Posted, PostingError, post_all

EVENTS = [
    orjson.dumps({"type": kind, "messageId": f"m{number}", "anonymousId": "a", "userId": "u"})
    for number, kind in enumerate(("page", "label", "track", "session", "identify"))
]


def test_single_calls_are_events_that_have_one_each_with_an_id_of_its_own() -> None:
    posts = list(single_calls(EVENTS, 50))
    assert {post.path for post in posts} == {"/v1/page", "/v1/track", "/v1/identify"}
    bodies = [orjson.loads(post.body) for post in posts]
    assert len({body["messageId"] for body in bodies}) == len(posts) == 50
    assert all(post.path == f"/v1/{body['type']}" for post, body in zip(posts, bodies, strict=True))


def test_batches_have_their_number_of_events_each_with_an_id_of_its_own() -> None:
    posts = list(batch_calls(EVENTS, 3))
    batches = [orjson.loads(post.body)["batch"] for post in posts]
    assert [len(batch) for batch in batches] == [BATCH_EVENTS] * 3
    assert len({event["messageId"] for batch in batches for event in batch}) == 3 * BATCH_EVENTS


class Server:
    """Answers each request with a status when others had their turn, and counts connections."""

    def __init__(self, status: str = "200 OK") -> None:
        self.status = status
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while head := await reader.read(0) or await _head(reader):
            lines = head.decode().split("\r\n")
            length = next(int(line.split(": ")[1]) for line in lines if line.startswith("content-length"))
            self.paths.append(lines[0].split(" ")[1])
            self.bodies.append(await reader.readexactly(length))
            await asyncio.sleep(0)
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def sent_to(server: Server, posts: Sequence[Post], connections: int) -> Posted:
    listening = await asyncio.start_server(server.serve, HOST, 0)
    async with listening:
        return await post_all(listening.sockets[0].getsockname()[1], posts, connections)


def test_posts_are_all_sent_once_over_as_many_connections_as_asked() -> None:
    server = Server()
    posts = [Post("/v1/page", b'{"n":%d}' % number) for number in range(100)]
    posted = asyncio.run(sent_to(server, posts, 4))
    assert len(posted.latencies) == 100
    assert 0 < min(posted.latencies) <= max(posted.latencies) < posted.seconds
    assert sorted(server.bodies) == sorted(post.body for post in posts)
    assert server.connections == 4


def test_a_refusal_ends_the_measurement() -> None:
    with pytest.raises(PostingError, match="/v1/page was answered with 429"):
        asyncio.run(sent_to(Server("429 Too Many Requests"), [Post("/v1/page", b"{}")], 1))
