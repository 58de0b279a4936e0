"""The reduced job by every contender: the same stream, one core each, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from load_tests import recording, reduced_job
from load_tests.contender import ContenderError
from load_tests.samples import Rate, steady_rate
from load_tests.tally import Tally, tally
from load_tests.testbed import PARTITIONS, Testbed, python

ROOT = Path(__file__).resolve().parents[1]
PEERS_PYTHON = ROOT / "build" / "peers" / "bin" / "python"
KAFKA_STREAMS = ROOT / "load_tests" / "peers" / "kafka_streams" / "target"
COMMIT_SECONDS = "5"
"""Quix Streams' default; Kafka Streams and Bytewax, whose own are longer, are given it too."""


@dataclass(frozen=True)
class Entry:
    """A contender: how it is started (servers, source, outputs, folder), and what must be installed for it.

    `share` of the stream is enough to time it.
    """

    name: str
    command: Callable[[str, str, str, str], Sequence[str]]
    share: float = 1.0
    needs: Path = ROOT


def _ours(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    return python("load_tests.ours.reduced", servers, source, outputs, str(PARTITIONS), folder)


def _quix(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    return [str(PEERS_PYTHON), "-m", "load_tests.peers.quix", servers, source, outputs, folder]


def _bytewax(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    return [str(PEERS_PYTHON), "-m", "load_tests.peers.bytewax_flow", servers, source, outputs, folder]


def _kafka_streams(servers: str, source: str, outputs: str, folder: str) -> list[str]:
    jars = f"{KAFKA_STREAMS}/reduced-job.jar:{KAFKA_STREAMS}/lib/*"
    return ["java", "-cp", jars, "reduced.ReducedJob", servers, source, outputs, folder, COMMIT_SECONDS]


OURS = Entry("ours", _ours)
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
    """Let every contender process its share of `events`, ours first; at last the bare client all of them."""
    entries = [OURS] if only_ours else ENTRIES
    streams: dict[float, tuple[str, Tally]] = {}
    for share in {entry.share for entry in entries}:
        source = await testbed.topics.create(testbed.new_name("events"))
        taken = list(recording.multiply(pool, int(events * share)))
        await recording.write(testbed.servers, source, PARTITIONS, taken)
        streams[share] = source, tally(reduced_job.run(taken))
    results = [await _measure(testbed, entry, *streams[entry.share]) for entry in entries]
    limit = await measure_limit(testbed, streams[1.0][0], events)
    return [*results, Result("the limit: getmany and orjson", limit)]


async def measure_limit(testbed: Testbed, source: str, events: int) -> Rate:
    """The rate of the bare client."""
    with testbed.contender(python("load_tests.limit", testbed.servers, source)) as limit:
        return steady_rate(await limit.watch(limit.printed, events), events)


async def _measure(testbed: Testbed, entry: Entry, source: str, expected: Tally) -> Result:
    if not entry.needs.exists():
        return Result(entry.name, None, reason="not installed: make peers")
    outputs = await testbed.topics.create(testbed.new_name("outputs"))
    command = entry.command(testbed.servers, source, outputs, str(testbed.folder / testbed.new_name("state")))
    try:
        with testbed.contender(command) as contender:
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
