"""Runs the reduced job with every contender: the same stream, one core each, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from load_tests import recording, reduced_job
from load_tests.build import HERE, ROOT, Build
from load_tests.contender import ContenderError
from load_tests.samples import Rate, steady_rate
from load_tests.tally import Tally, tally
from load_tests.testbed import PARTITIONS, Testbed, python

PEERS_PYTHON = ROOT / "build" / "peers" / "bin" / "python"
KAFKA_STREAMS = ROOT / "load_tests" / "peers" / "kafka_streams" / "target"
COMMIT_SECONDS = "5"
"""Quix Streams' default; Kafka Streams and Bytewax, whose own are longer, are given it too."""


@dataclass(frozen=True)
class Entry:
    """A contender: its command (servers, source, outputs, folder), and what must be installed for it.

    It is timed on `share` of the stream, and runs in `folder`.
    """

    name: str
    command: Callable[[str, str, str, str], Sequence[str]]
    share: float = 1.0
    needs: Path = ROOT
    folder: Path = ROOT


def ours_by(build: Build) -> Entry:
    """Our reduced job in a given build."""

    def command(servers: str, source: str, outputs: str, folder: str) -> list[str]:
        return build.module("load_tests.ours.reduced", servers, source, outputs, str(PARTITIONS), folder)

    return Entry("ours", command, folder=build.root)


def _quix(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    return [str(PEERS_PYTHON), "-m", "load_tests.peers.quix", servers, source, outputs, folder]


def _bytewax(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    return [str(PEERS_PYTHON), "-m", "load_tests.peers.bytewax_flow", servers, source, outputs, folder]


def _kafka_streams(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    jars = f"{KAFKA_STREAMS}/reduced-job.jar:{KAFKA_STREAMS}/lib/*"
    return ["java", "-cp", jars, "reduced.ReducedJob", servers, source, outputs, folder, COMMIT_SECONDS]


OURS = ours_by(HERE)
ENTRIES = (
    OURS,
    Entry("Quix Streams", _quix, 0.15, PEERS_PYTHON),
    Entry("Bytewax", _bytewax, 0.5, PEERS_PYTHON),
    Entry("Kafka Streams", _kafka_streams, 1.0, KAFKA_STREAMS / "reduced-job.jar"),
)


@dataclass(frozen=True)
class Result:
    """A contender's rate and peak memory in bytes, or why it has none."""

    name: str
    rate: Rate | None
    peak_bytes: int = 0
    reason: str = ""


async def compare(
    testbed: Testbed, pool: Sequence[bytes], events: int, *, only_ours: bool = False
) -> list[Result]:
    """Let every contender process its share of `events`, ours first; finally the bare client, all."""
    entries = [OURS] if only_ours else ENTRIES
    streams = {
        share: await write_stream(testbed, pool, int(events * share))
        for share in {entry.share for entry in entries}
    }
    results = [await measure(testbed, entry, *streams[entry.share]) for entry in entries]
    limit = await measure_limit(testbed, streams[1.0][0], events)
    return [*results, Result("the limit: getmany and orjson", limit)]


async def write_stream(testbed: Testbed, pool: Sequence[bytes], events: int) -> tuple[str, Tally]:
    """Write a topic with events; return it with the tally of the expected outputs."""
    source = await testbed.topics.create(testbed.new_name("events"))
    taken = list(recording.multiply(pool, events))
    await recording.write(testbed.servers, source, PARTITIONS, taken)
    return source, tally(reduced_job.run(taken))


async def measure_limit(testbed: Testbed, source: str, events: int) -> Rate:
    """The rate of the bare client."""
    with testbed.contender(python("load_tests.limit", testbed.servers, source)) as limit:
        return steady_rate(await limit.watch(limit.printed, events), events)


async def measure(testbed: Testbed, entry: Entry, source: str, expected: Tally) -> Result:
    """Let one contender process a stream; it has a rate only if its outputs are exactly those expected."""
    if not entry.needs.exists():
        return Result(entry.name, None, reason="not installed: make peers")
    outputs = await testbed.topics.create(testbed.new_name("outputs"))
    command = entry.command(testbed.servers, source, outputs, str(testbed.folder / testbed.new_name("state")))
    try:
        with testbed.contender(command, folder=entry.folder) as contender:
            looks = await contender.watch(lambda: testbed.topics.length(outputs), expected.outputs)
            peak_bytes = contender.peak_bytes
    except ContenderError as error:
        return Result(entry.name, None, reason=str(error))
    found = tally([record.value async for record in testbed.topics.records(outputs)])
    if found != expected:
        return Result(
            entry.name, None, reason=f"{found.outputs:,} outputs, not the {expected.outputs:,} expected"
        )
    return Result(entry.name, steady_rate(looks, expected.outputs), peak_bytes)
