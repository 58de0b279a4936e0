"""The declared topics on a real cluster: created if missing, refused if they do not match."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

from stream_app.errors import AccessError, BrokerError
from stream_app.runtimes.kafka.operate.access import connect
from stream_app.runtimes.kafka.operate.topic_facts import TopicFacts, read_facts
from stream_app.schemas.topics import EVENTS, LINKS, PRIVACY_REQUESTS, TOPICS, Topic, rows_changelog
from stream_app.settings.environment import Settings

PAUSE_SECONDS = 0.1
LIMIT = "max.message.bytes"
SOURCES = (EVENTS, PRIVACY_REQUESTS, LINKS)


def topics_of(settings: Settings) -> tuple[Topic, ...]:
    """All topics that an application needs."""
    return (*TOPICS, rows_changelog(settings.app_id))


def name_of(topic: Topic, settings: Settings) -> str:
    """A topic's name on this cluster; an application's changelog has its own prefix."""
    return topic.name if topic not in TOPICS else settings.topic_prefix + topic.name


def source_names(settings: Settings) -> dict[str, str]:
    """The topics that a worker processes: declared names by their names on this cluster.

    All are spread by user in the same way, so a user has the same partition in each.
    """
    return {name_of(topic, settings): topic.name for topic in SOURCES}


def partitions_of(topic: Topic, settings: Settings) -> int:
    """The number of partitions of a topic in this installation."""
    return topic.partitions or settings.partitions


async def create_topics(settings: Settings) -> dict[str, bool]:
    """Create missing topics and wait until all are known; return by name whether each was created now.

    Raises:
        BrokerError: the broker is lost, or refuses.
    """
    admin = await connect(settings)
    wanted = [_described(topic, settings) for topic in topics_of(settings)]
    try:
        response = await admin.create_topics(wanted)
        answers = {name: (code, message) for name, code, message, *_ in response.topic_errors}
        created = {topic.name: _is_new(topic.name, *answers[topic.name]) for topic in wanted}
        await _wait_until_known(admin, list(created), settings.kafka_timeout)
    except KafkaError as error:
        raise BrokerError(f"topics could not be created: {error}") from error
    finally:
        await admin.close()
    return created


async def check_topics(settings: Settings) -> dict[str, TopicFacts]:
    """Verify that every topic exists with its partitions, and return the facts of each by name.

    Raises:
        AccessError: the broker denies access, in general or to a topic. BrokerError: the broker is lost, or a
        topic is missing or has other partitions.
    """
    admin = await connect(settings)
    try:
        wanted = topics_of(settings)
        found = await admin.describe_topics([name_of(topic, settings) for topic in wanted])
        _refuse_forbidden(found, settings)
        facts = await read_facts(admin, [name_of(topic, settings) for topic in wanted])
        limits = await _limits(admin, [name_of(topic, settings) for topic in wanted])
    except KafkaError as error:
        raise BrokerError(f"topics could not be looked up: {error}") from error
    finally:
        await admin.close()
    counts = {entry["topic"]: len(entry["partitions"]) for entry in found if not entry["error_code"]}
    _refuse_missing([name_of(topic, settings) for topic in wanted], counts)
    for topic in wanted:
        name, expected = name_of(topic, settings), partitions_of(topic, settings)
        if counts[name] != expected:
            raise BrokerError(
                f"{name} has {counts[name]} partitions, the settings say {expected}: "
                "set STREAM_APP_PARTITIONS to what the topics were created with; where partitions were "
                "added since, see `More partitions` in docs/operations.md"
            )
        if limits.get(name, topic.max_message_bytes) < topic.max_message_bytes:
            raise BrokerError(
                f"{name} takes records of {limits[name]} bytes, and {topic.max_message_bytes} are needed: "
                f"set its max.message.bytes to that, or some of what is sent will be refused"
            )
    return facts


async def _limits(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    """The largest record that each topic accepts, by name, without topics whose settings we may not see."""
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, {LIMIT: ""}) for name in names]
    limits: dict[str, int] = {}
    for response in await admin.describe_configs(wanted):
        for code, _, _, name, entries in response.resources:
            if not code:
                limits[name] = int(entries[0][1])
    return limits


def _refuse_forbidden(found: Sequence[Mapping[str, Any]], settings: Settings) -> None:
    forbidden = [
        entry["topic"] for entry in found if for_code(entry["error_code"]) is TopicAuthorizationFailedError
    ]
    if forbidden:
        raise AccessError(
            f"{settings.kafka_username or 'this client'} may not use {', '.join(forbidden)}: let the "
            "cluster's operator grant it, or set STREAM_APP_KAFKA_USERNAME"
        )


def _refuse_missing(wanted: Sequence[str], counts: dict[str, int]) -> None:
    missing = [name for name in wanted if name not in counts]
    if missing:
        raise BrokerError(f"topics are missing ({', '.join(missing)}): run `stream-app topics create`")


async def _wait_until_known(admin: AIOKafkaAdminClient, names: list[str], timeout: float) -> None:
    """Brokers learn about new topics shortly after their creation is confirmed."""
    deadline = asyncio.get_running_loop().time() + timeout
    while any(entry["error_code"] for entry in await admin.describe_topics(names)):
        if asyncio.get_running_loop().time() > deadline:
            raise BrokerError(f"the topics are created, but unknown to the broker after {timeout:.0f} s")
        await asyncio.sleep(PAUSE_SECONDS)


def _described(topic: Topic, settings: Settings) -> NewTopic:
    return NewTopic(
        name_of(topic, settings),
        num_partitions=partitions_of(topic, settings),
        replication_factor=settings.replication,
        topic_configs=dict(topic.config(settings.replication)),
    )


def _is_new(name: str, code: int, message: str | None) -> bool:
    """Return from the broker's answer whether a topic was created or already existed."""
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        return False
    if code:
        raise BrokerError(f"{name} could not be created: {message or error.__name__}")
    return True
