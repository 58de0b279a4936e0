"""The declared topics on a real cluster: created where missing, refused where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from schemas.topics import EVENTS, LINKS, PRIVACY_REQUESTS, TOPICS, Topic, rows_changelog
from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.connection import connect
from stream_app.settings import Settings

SOURCES = (EVENTS, PRIVACY_REQUESTS, LINKS)


def topics_of(settings: Settings) -> tuple[Topic, ...]:
    """All topics that an application needs."""
    return (*TOPICS, rows_changelog(settings.app_id))


def name_of(topic: Topic, settings: Settings) -> str:
    """A topic's name on this cluster; an application's changelog has its own prefix."""
    return topic.name if topic not in TOPICS else settings.topic_prefix + topic.name


def source_names(settings: Settings) -> dict[str, str]:
    """The topics that a worker processes: by their names on this cluster, those by which they are declared.

    All are spread by user alike, so that a user's partition is one and the same in each.
    """
    return {name_of(topic, settings): topic.name for topic in SOURCES}


def partitions_of(topic: Topic, settings: Settings) -> int:
    """How many partitions a topic has in this installation."""
    return topic.partitions or settings.partitions


async def create_topics(settings: Settings) -> dict[str, bool]:
    """Create what is missing; by topic name, whether it was created now.

    Raises:
        BrokerError: the broker is lost, or refuses.
    """
    admin = await connect(settings)
    created: dict[str, bool] = {}
    try:
        for topic in topics_of(settings):
            created[name_of(topic, settings)] = await _create(admin, topic, settings)
    except KafkaError as error:
        raise BrokerError(f"topics could not be created: {error}") from error
    finally:
        await admin.close()
    return created


async def check_topics(settings: Settings) -> None:
    """Make sure that every topic exists with its partitions.

    Raises:
        BrokerError: the broker is lost, or a topic is missing or has other partitions.
    """
    admin = await connect(settings)
    try:
        wanted = topics_of(settings)
        found = await admin.describe_topics([name_of(topic, settings) for topic in wanted])
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
                f"set STREAM_APP_PARTITIONS to what the topics were created with"
            )


def _refuse_missing(wanted: Sequence[str], counts: dict[str, int]) -> None:
    missing = [name for name in wanted if name not in counts]
    if missing:
        raise BrokerError(f"topics are missing ({', '.join(missing)}): run `stream-app topics create`")


async def _create(admin: AIOKafkaAdminClient, topic: Topic, settings: Settings) -> bool:
    """Create one topic; False where it was there already."""
    wanted = NewTopic(
        name_of(topic, settings),
        num_partitions=partitions_of(topic, settings),
        replication_factor=settings.replication,
        topic_configs=dict(topic.config(settings.replication)),
    )
    response = await admin.create_topics([wanted])
    name, code, message = response.topic_errors[0][:3]
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        return False
    if code:
        raise BrokerError(f"{name} could not be created: {message or error.__name__}")
    return True
