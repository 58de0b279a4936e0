"""`stream-app up` as an operator runs it: events in by the collector, out by the API, pushed as they come."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.collector_process import is_ready, send
from support.worker_process import WorkerProcess, worker_process

from load_tests.broker import free_port
from stream_app.client import ApiError, AsyncClient, Client, Event
from stream_app.settings.environment import Settings

SECONDS = 60


def event(user: str, item: str, minute: int = 0) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return {
        "type": "page", "userId": user, "timestamp": now, "messageId": f"{user}-{item}-{minute}",
        "properties": {"product_id": item},
    }  # fmt: skip


class Running:
    """All processes, with a client."""

    def __init__(self, settings: Settings, process: WorkerProcess) -> None:
        self.settings = settings
        self.process = process
        self.address = f"http://127.0.0.1:{settings.api_port}"

    def is_served(self) -> bool:
        try:
            return httpx.get(f"{self.address}/ready").status_code == 200
        except httpx.TransportError:
            return False

    def send(self, *events: dict[str, Any]) -> None:
        assert send(self.settings, *events).status_code == 200


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    settings = Settings(collector_port=free_port(), api_port=free_port(), metrics_port=0)
    with worker_process(settings, folder, "up", "--data-dir", str(folder / "data")) as process:
        found = Running(settings, process)
        process.wait_for(lambda: is_ready(settings) and found.is_served())
        yield found


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("up")) as found:
        yield found


def listen(client: Client, count: int, after: int | None, found: list[Event]) -> None:
    for pushed in client.stream(["engagement_tier"], after):
        found.append(pushed)
        if len(found) == count:
            return


def test_what_is_collected_is_served_at_once(everything: Running) -> None:
    everything.send(event("ann", "a"), event("ann", "b"))
    with Client(everything.address) as client:
        assert client.user("ann").user_key == "ann"
        assert client.timeline("ann")
        with pytest.raises(ApiError) as problem:
            client.user("nobody")
    assert problem.value.status == 404


def test_tiers_are_pushed_and_resumed_without_a_gap(everything: Running) -> None:
    with Client(everything.address) as client:
        found: list[Event] = []
        listener = threading.Thread(target=listen, args=(client, 3, 0, found), daemon=True)
        listener.start()
        everything.send(*(event(user, "a") for user in ("push-1", "push-2", "push-3", "push-4")))
        listener.join(SECONDS)
        assert len(found) == 3
        rest: list[Event] = []
        resumed = threading.Thread(target=listen, args=(client, 1, found[-1].id, rest), daemon=True)
        resumed.start()
        resumed.join(SECONDS)
    keys = [pushed.output["user_key"] for pushed in [*found, *rest]]
    assert len(set(keys)) == 4
    assert [pushed.id for pushed in [*found, *rest]] == sorted(pushed.id for pushed in [*found, *rest])


def test_an_erasure_is_granted_by_the_process_that_collects(everything: Running) -> None:
    everything.send(event("leaves", "a"), event("stays", "a"))
    receipt = httpx.post(
        f"{everything.address}/v1/erasures", json={"user_id": "leaves"}, timeout=SECONDS
    ).json()
    assert receipt["state"] == "done"
    assert receipt["receipt"]["stores"]
    with Client(everything.address) as client:
        assert client.user("stays").user_key == "stays"
        with pytest.raises(ApiError):
            client.user("leaves")


async def _ask_side_by_side(address: str) -> None:
    async with AsyncClient(address) as client:
        lists = await asyncio.gather(*(client.recommend([], count=3, surface="home") for _ in range(20)))
        assert len({found.request_id for found in lists}) == 20
        await client.tell(lists[0].request_id)
        async for pushed in client.stream(after=0):
            assert pushed.output["schema_name"] == pushed.schema_name
            break


def test_the_client_asks_side_by_side(everything: Running) -> None:
    everything.send(event("someone", "a"))
    asyncio.run(_ask_side_by_side(everything.address))


def test_all_processes_end_together(tmp_path: Path) -> None:
    with running(tmp_path) as found:
        assert found.process.terminate() == 0
        assert not found.is_served()
        assert not is_ready(found.settings)
