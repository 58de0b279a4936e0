"""Kafka over TLS with a SCRAM login: every process works through it, and nobody gets in without."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.certificates import Certificates, make_certificates
from support.kafka_cluster import Cluster
from support.worker_process import worker_process

from load_tests.broker import HOST, Broker, SecuredListener, running_broker
from stream_app.errors import AccessError, BrokerError
from stream_app.runtimes.kafka.operate import feeding
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.collecting import KafkaDelivery
from stream_app.runtimes.kafka.operate.topics import check_topics, create_topics, name_of
from stream_app.schemas.topics import EXAMPLES, SNAPSHOTS
from stream_app.testing import RecordedSource, label, page, random_events

pytestmark = pytest.mark.kafka

DEADLINE_SECONDS = 60.0
PASSWORDS = {"stream-app": "a right password", "stranger": "another password"}
# Only the application may do anything; the broker itself comes by its internal listener.
AUTHORISED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:stream-app;User:ANONYMOUS",
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("ours"), HOST)


@pytest.fixture(scope="module")
def secured(certificates: Certificates) -> Iterator[Broker]:
    listener = SecuredListener(certificates.server, PASSWORDS)
    with running_broker(secured=listener, properties=AUTHORISED) as broker:
        yield broker


def test_everything_works_over_tls_with_a_login(
    secured: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    cluster = _cluster(secured, certificates, tmp_path)
    labels = [label(f"user-{number}", number, 1 + number % 3) for number in range(12)]
    asyncio.run(_send(cluster, RecordedSource([*random_events(Random(3), 200, users=8), *labels])))
    with worker_process(cluster.settings, tmp_path, "worker") as worker:
        worker.wait_for(lambda: "collected" in asyncio.run(cluster.rows()))
        worker.wait_for(lambda: bool(asyncio.run(_snapshots(cluster))))
        assert worker.terminate() == 0


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"kafka_password": "a wrong one"}, "set STREAM_APP_KAFKA_USERNAME and STREAM_APP_KAFKA_PASSWORD"),
        ({"kafka_sasl_mechanism": "PLAIN"}, "takes no PLAIN: set STREAM_APP_KAFKA_SASL_MECHANISM"),
        ({"kafka_ca_file": None}, r"not trusted \(self-signed .*: set STREAM_APP_KAFKA_CA_FILE"),
        ({"kafka_host": "localhost"}, r"mismatch.* in STREAM_APP_KAFKA_SERVERS call it by the name in it"),
    ],
)
def test_who_is_not_let_in_is_told_what_to_set_at_once(
    wrong: dict[str, Any], advice: str, secured: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    cluster = _cluster(secured, certificates, tmp_path, **wrong)
    with pytest.raises(AccessError, match=advice) as refusal:
        asyncio.run(asyncio.wait_for(connect(cluster.settings), DEADLINE_SECONDS))
    assert refusal.value.exit_code == 2
    assert "\n" not in str(refusal.value)


def test_a_login_that_nobody_wants_is_told_of(
    broker: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    cluster = _cluster(broker, certificates, tmp_path, kafka_security_protocol="SASL_PLAINTEXT")
    with pytest.raises(AccessError, match="set STREAM_APP_KAFKA_SECURITY_PROTOCOL to PLAINTEXT or SSL"):
        asyncio.run(asyncio.wait_for(connect(cluster.settings), DEADLINE_SECONDS))


def test_a_worker_that_is_not_let_in_says_so_in_its_last_line_and_ends(
    secured: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    strangers = make_certificates(tmp_path / "theirs", HOST)
    cluster = _cluster(secured, certificates, tmp_path, kafka_ca_file=strangers.authority)
    with worker_process(cluster.settings, tmp_path, "worker", "--no-trainer") as worker:
        assert worker.process.wait(DEADLINE_SECONDS) == 2
        assert worker.log.read_text().count("\n") == 1
        assert "set STREAM_APP_KAFKA_CA_FILE" in worker.last_line


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT"])
def test_without_tls_or_a_login_nothing_is_to_be_had(
    protocol: str, secured: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    cluster = _cluster(
        secured, certificates, tmp_path, kafka_security_protocol=protocol, kafka_timeout=1.0
    )  # fmt: skip
    with pytest.raises(
        BrokerError, match="set STREAM_APP_KAFKA_SERVERS and STREAM_APP_KAFKA_SECURITY_PROTOCOL"
    ):
        asyncio.run(asyncio.wait_for(check_topics(cluster.settings), DEADLINE_SECONDS))


def test_a_user_without_rights_is_told_of_which_topics(
    secured: Broker, certificates: Certificates, tmp_path: Path
) -> None:
    cluster = _cluster(
        secured, certificates, tmp_path, kafka_username="stranger", kafka_password=PASSWORDS["stranger"]
    )
    with pytest.raises(AccessError, match=r"stranger may not use .*clickstream\.events\.v1"):
        asyncio.run(check_topics(cluster.settings))


def _cluster(broker: Broker, certificates: Certificates, folder: Path, **overrides: Any) -> Cluster:
    fields: dict[str, Any] = {
        "partitions": 1,
        "session_timeout": 6,
        "snapshot_examples": 5,
        "kafka_security_protocol": "SASL_SSL",
        "kafka_username": "stream-app",
        "kafka_password": PASSWORDS["stream-app"],
        "kafka_ca_file": certificates.authority,
    }
    servers = f"{overrides.pop('kafka_host', HOST)}:{broker.port}"
    return Cluster(servers, "", folder, **fields | overrides)


async def _send(cluster: Cluster, source: RecordedSource) -> None:
    """What `topics create`, `produce` and `collect` do."""
    await create_topics(cluster.settings)
    async with KafkaDelivery(cluster.settings) as deliver:
        await deliver([page("collected", 0, "item-1")])
    assert await feeding.produce(source, cluster.settings, lambda *_: None) == len(source.values)


async def _snapshots(cluster: Cluster) -> list[Any]:
    assert await cluster.records(name_of(EXAMPLES, cluster.settings), [0])
    return await cluster.records(name_of(SNAPSHOTS, cluster.settings), [0])
