"""The full job: real workers (`stream-app worker`), observed only through their metrics pages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from load_tests import recording
from load_tests.broker import free_port
from load_tests.build import HERE, Build
from load_tests.contender import Contender
from load_tests.samples import Rate, Sample, steady_rate
from load_tests.testbed import PARTITIONS, Testbed, python
from stream_app.schemas.topics import EVENTS, RECOMMENDATIONS

LOOK_SECONDS = 0.5
"""Between two looks at a metrics page, which the worker itself has to write."""
_EVENTS_TOTAL = re.compile(rb"^stream_app_events_total\{[^}]*\} (\S+)", re.MULTILINE)
_USERS = re.compile(rb"^stream_app_users\{[^}]*\} (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Application:
    """One application's settings and topics on the testbed, and the build that runs it."""

    testbed: Testbed
    prefix: str
    env: Mapping[str, str]
    build: Build = HERE

    @property
    def events_topic(self) -> str:
        """The topic that its workers read."""
        return self.prefix + EVENTS.name

    @property
    def recommendations_topic(self) -> str:
        """The topic that they write most to; its records have the broker's append time."""
        return self.prefix + RECOMMENDATIONS.name

    async def write(self, events: Iterable[bytes]) -> None:
        """Write events, keyed by user."""
        await recording.write(self.testbed.servers, self.events_topic, PARTITIONS, events)


@dataclass(frozen=True)
class Workers:
    """Running workers of one application, and the ports of their metrics pages."""

    contenders: Sequence[Contender]
    ports: Sequence[int]

    async def processed(self) -> int:
        """Finished events: outputs acknowledged, rows written."""
        return int(await self._total(_EVENTS_TOTAL))

    async def users(self) -> int:
        """Users held by all of them."""
        return int(await self._total(_USERS))

    async def watch(self, goal: int) -> list[Sample]:
        """Watch them until they have processed so many events; CPU time is the total."""
        first, *others = self.contenders
        return await first.watch(self.processed, goal, LOOK_SECONDS, others)

    async def _total(self, pattern: re.Pattern[bytes]) -> float:
        pages = await asyncio.gather(*(asyncio.to_thread(_read_page, port) for port in self.ports))
        return sum(float(value) for page in pages for value in pattern.findall(page))


def _read_page(port: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            text: bytes = page.read()
            return text
    except OSError:
        return b""  # not up yet; if it never is, the lack of progress shows


async def make_application(testbed: Testbed, build: Build = HERE) -> Application:
    """An application with its topics."""
    prefix = testbed.new_name("full") + "."
    env = {
        "STREAM_APP_APP_ID": prefix + "app",
        "STREAM_APP_KAFKA_SERVERS": testbed.servers,
        "STREAM_APP_PARTITIONS": str(PARTITIONS),
        "STREAM_APP_SNAPSHOT_KEY": "a secret for measuring",
        "STREAM_APP_TOPIC_PREFIX": prefix,
        "STREAM_APP_STATE_DIR": str(testbed.folder / prefix),
    }
    application = Application(testbed, prefix, env, build)
    await testbed.topics.create(application.recommendations_topic, stamped_by_broker=True)
    command = build.module("stream_app", "topics", "create")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | env, cwd=build.root)
    return application


@contextlib.asynccontextmanager
async def working(application: Application, workers: int = 1) -> AsyncIterator[Workers]:
    """Workers, each on its own core, and a trainer beside the broker."""
    testbed, build = application.testbed, application.build
    with contextlib.ExitStack() as stack:
        trainer = build.module("stream_app", "trainer", "--set", "metrics_port=0")
        stack.enter_context(testbed.contender(trainer, application.env, worker=None, folder=build.root))
        contenders, ports = [], []
        for number in range(workers):
            ports.append(free_port())
            flags = {"metrics_port": ports[-1], "state_dir": testbed.folder / testbed.new_name("state")}
            command = build.module("stream_app", "worker", "--no-trainer")
            command += [part for name, value in flags.items() for part in ("--set", f"{name}={value}")]
            worker = testbed.contender(command, application.env, worker=number, folder=build.root)
            contenders.append(stack.enter_context(worker))
        yield Workers(contenders, ports)


@dataclass(frozen=True)
class FullResult:
    """The result of a run of the full job. Memory is what a user adds to the process, in bytes."""

    rate: Rate
    users: int
    peak_bytes: int
    bytes_per_user: float


async def measure(
    testbed: Testbed, pool: Sequence[bytes], events: int, workers: int = 1, build: Build = HERE
) -> FullResult:
    """Measure workers on events that are all there at the start."""
    application = await make_application(testbed, build)
    await application.write(recording.multiply(pool, events))
    async with working(application, workers) as running:
        before = await _memory_before(running)
        looks = await running.watch(events)
        users = await running.users()
        peak = sum(contender.peak_bytes for contender in running.contenders)
    return FullResult(steady_rate(looks, events), users, peak, (peak - before) / users)


async def _memory_before(running: Workers) -> int:
    while await running.processed() == 0:
        await asyncio.sleep(LOOK_SECONDS)
    return sum(contender.resident_bytes for contender in running.contenders)


async def measure_plain_agent(testbed: Testbed, pool: Sequence[bytes], events: int) -> Rate:
    """The same core in a plain Faust agent."""
    application = await make_application(testbed)
    await application.write(recording.multiply(pool, events))
    with testbed.contender(python("load_tests.ours.plain_agent"), application.env) as agent:
        goal = events - events % 100
        return steady_rate(await agent.watch(agent.printed, goal), goal)
