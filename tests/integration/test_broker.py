import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from load_tests.broker import Broker, BrokerError, running_broker

pytestmark = pytest.mark.kafka


async def create_topic(servers: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()


async def list_topics(servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    topics: list[str] = await admin.list_topics()
    await admin.close()
    return topics


def test_a_killed_broker_comes_back_with_its_data(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        asyncio.run(create_topic(broker.bootstrap_servers, "kept"))
        process = broker.pid
        with pytest.raises(BrokerError, match=f"already runs .* {process}"):
            Broker(tmp_path, broker.port).start()
        broker.kill()
        assert broker.pid is None
        broker.start()
        assert broker.pid not in {None, process}
        assert asyncio.run(list_topics(broker.bootstrap_servers)) == ["kept"]
        broker.freeze()
    assert broker.pid is None
    assert (tmp_path / "data" / "kept-0").is_dir()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = Broker(tmp_path, 0, properties={"num.partitions": "many"})
    with pytest.raises(BrokerError, match=r"(?s)Invalid value many for configuration num\.partitions"):
        broker.start()
    assert broker.pid is None
