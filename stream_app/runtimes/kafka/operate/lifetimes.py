"""How long records stay on each topic, as the brokers are set: what a receipt promises is to be true here.

Kafka deletes whole segments: one goes once its newest record is older than the retention. A segment takes
records for `segment.ms` after its first, so a record may stay for the sum of both.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.topics import TOPICS
from stream_app.settings.environment import Settings

Lifetimes = Mapping[str, int | None]
"""By the declared name of a topic, seconds until a record of now is surely gone; None: it may stay."""

POLICY, RETENTION, SEGMENT = "cleanup.policy", "retention.ms", "segment.ms"


def declared_lifetimes() -> Lifetimes:
    """As `stream-app topics create` sets them."""
    return {topic.name: topic.lifetime for topic in TOPICS}


async def read_lifetimes(settings: Settings) -> Lifetimes:
    """As they are set now; of topics whose settings we may not see, as they are declared.

    Raises:
        BrokerError: the broker is lost.
    """
    admin = await connect(settings)
    try:
        found = await _settings_of([name_of(topic, settings) for topic in TOPICS], admin)
    except KafkaError as error:
        raise BrokerError(f"the topics' settings cannot be read: {error}") from error
    finally:
        await admin.close()
    seen = {topic.name: found.get(name_of(topic, settings)) for topic in TOPICS}
    declared = declared_lifetimes()
    return {
        name: lifetime_of(config) if config is not None else declared[name] for name, config in seen.items()
    }


def lifetime_of(config: Mapping[str, str]) -> int | None:
    """Seconds until a record is surely gone by a topic's settings; None for never."""
    retention = int(config[RETENTION])
    if "delete" not in config[POLICY] or retention < 0:
        return None
    return -(-(retention + int(config[SEGMENT])) // 1000)


async def _settings_of(names: list[str], admin: AIOKafkaAdminClient) -> dict[str, dict[str, str]]:
    wanted = [
        ConfigResource(ConfigResourceType.TOPIC, name, {POLICY: "", RETENTION: "", SEGMENT: ""})
        for name in names
    ]
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for response in await admin.describe_configs(wanted)
        for code, _, _, name, entries in response.resources
        if not code
    }
