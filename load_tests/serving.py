"""How soon the API answers at a rate of requests: `python -m load_tests.serving ADDRESS --rate 1000`.

Requests begin when they are due, whether earlier ones are answered or not, and a latency counts from then: a
server that stalls is charged with all that wait (no coordinated omission). Only loopback is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

WARM_UP_SECONDS = 2.0
MOST_SECONDS = 60.0
MOST_RATE = 5_000
SEED = 7


class Asked(NamedTuple):
    """One request as bytes."""

    data: bytes


class Latencies(NamedTuple):
    """What was asked and how soon it was answered, in milliseconds."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p90: float
    p99: float
    slowest: float


def get(path: str) -> Asked:
    """A question without a body."""
    return Asked(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())


def post(path: str, body: object) -> Asked:
    """A question with a body in JSON."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return Asked(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)


class Connection:
    """One kept-alive connection, for one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, asked: Asked) -> int:
        """Send a request, read its answer whole, and return the status."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._place)
        reader, writer = self._streams
        writer.write(asked.data)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()


async def measure(
    host: str, port: int, questions: Sequence[Asked], rate: float, seconds: float, connections: int
) -> Latencies:
    """Ask questions in turn at a rate; the first `WARM_UP_SECONDS` do not count."""
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(connections):
        idle.put_nowait(Connection(host, port))
    taken: list[float] = []
    failed = 0

    async def ask(asked: Asked, due_at: float, counts: bool) -> None:
        nonlocal failed
        connection = await idle.get()
        try:
            status = await connection.ask(asked)
        finally:
            idle.put_nowait(connection)
        if counts:
            taken.append(1000 * (time.perf_counter() - due_at))
            failed += status != 200

    begun_at = time.perf_counter()
    under_way: set[asyncio.Task[None]] = set()
    total = round(rate * (seconds + WARM_UP_SECONDS))
    for number in range(total):
        due_at = begun_at + number / rate
        wait = due_at - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        counts = number >= rate * WARM_UP_SECONDS
        task = asyncio.create_task(ask(questions[number % len(questions)], due_at, counts))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way)
    took = time.perf_counter() - begun_at - WARM_UP_SECONDS
    while not idle.empty():
        idle.get_nowait().close()
    taken.sort()
    p50, p90, p99 = (taken[int(share * len(taken))] for share in (0.5, 0.9, 0.99))
    return Latencies(len(taken), failed, took, p50, p90, p99, taken[-1])


def questions_of(address: str, kind: str) -> list[Asked]:
    """Questions about what the server knows, in an order of chance that is the same each time."""
    chance = random.Random(SEED)
    if kind == "users":
        with urlopen(f"{address}/v1/users?limit=500") as answer:
            users = [line["user_key"] for line in json.load(answer)["users"]]
        chance.shuffle(users)
        return [get(f"/v1/users/{quote(user, safe='')}") for user in users]
    with urlopen(f"{address}/v1/items?top=100") as answer:
        items = [line["item_id"] for line in json.load(answer)["scores"]]
    sessions = [chance.choices(items, k=chance.randint(1, 8)) for _ in range(1_000)]
    return [post("/v1/recommendations", {"items": session, "count": 20}) for session in sessions]


def main() -> None:
    """Measure, and print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--rate", type=int, default=1_000, help="Requests a second.")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--kind", choices=["recommendations", "users"], default="recommendations")
    chosen = parser.parse_args()
    parts = urlsplit(chosen.address)
    if not ip_address(str(parts.hostname)).is_loopback:
        parser.error("only a server on this machine is asked: write an address of loopback")
    found = asyncio.run(
        measure(
            str(parts.hostname),
            parts.port or 80,
            questions_of(chosen.address, chosen.kind),
            min(chosen.rate, MOST_RATE),
            min(chosen.seconds, MOST_SECONDS),
            chosen.connections,
        )
    )
    achieved = found.requests / found.seconds
    print(  # noqa: T201
        f"{chosen.kind}: {found.requests:,} requests at {achieved:,.0f}/s, {found.failed} failed; ms: "
        f"p50 {found.p50:.1f}, p90 {found.p90:.1f}, p99 {found.p99:.1f}, slowest {found.slowest:.1f}"
    )


if __name__ == "__main__":
    main()
