"""A record on which a call never returns: its worker is ended, says so, and at last leaves it out."""

import asyncio
import ctypes
from pathlib import Path
from typing import Any

import pytest
from support.kafka_cluster import Cluster
from support.worker_process import DEADLINE_SECONDS, worker_process

from load_tests.broker import Broker
from stream_app.core import step
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import EVENTS
from stream_app.testing import page

pytestmark = pytest.mark.kafka

STUCK = b"a call that never returns"
STALL_SECONDS = 4.0
STRIKES = 3


def test_it_stops_its_worker_three_times_and_no_more(
    broker: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    cluster = Cluster(
        broker.bootstrap_servers,
        topic_prefix,
        Path("unused: every process has a folder of its own"),
        partitions=1,
        session_timeout=6,
        stall_timeout=STALL_SECONDS,
    )
    pages = [page("u", at, "item-1") for at in (0, 60, 120, 180)]
    asyncio.run(cluster.create_topics())
    asyncio.run(cluster.produce([(b"u", value) for value in [*pages[:2], STUCK, *pages[2:]]]))
    topic = name_of(EVENTS, cluster.settings)
    for strike in range(1, STRIKES + 1):
        with worker_process(
            cluster.settings, tmp_path, "worker", "--no-trainer", before=_get_stuck
        ) as worker:
            assert worker.process.wait(DEADLINE_SECONDS) == 5, worker.log.read_text()
            assert f"on the record of {topic}, partition 0, offset 2: " in worker.last_line
            assert (f"strike {strike} of {STRIKES}" in worker.last_line) == (strike < STRIKES)
    with worker_process(cluster.settings, tmp_path, "worker", "--no-trainer", before=_get_stuck) as worker:
        worker.wait_for(lambda: asyncio.run(cluster.contained()).get(0) == 4)
        assert worker.terminate() == 0
    failed = [output for output in asyncio.run(cluster.outputs()) if output["schema_name"] == "failed_event"]
    assert [(output["reason"], output["source"]["offset"]) for output in failed] == [("unprocessable", 2)]
    assert failed[0]["original_cut"]["length"] == len(STUCK)
    [row] = asyncio.run(cluster.rows()).values()
    assert row.kinds["page"].count == len(pages)
    [strikes] = tmp_path.glob("**/strikes.json")
    assert strikes.read_text() == "[]"


def _get_stuck() -> None:
    decode = step.decode  # type: ignore[attr-defined]

    def decode_or_not(value: bytes | None, *others: Any) -> Any:
        while value == STUCK:  # the guard's signals end a sleep, not the loop
            ctypes.PyDLL(None).sleep(600)  # which, called so, keeps the interpreter to itself
        return decode(value, *others)

    step.decode = decode_or_not  # type: ignore[assignment, attr-defined]
