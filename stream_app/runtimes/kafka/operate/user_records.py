"""Everything that the topics contain about one user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from stream_app.core.user_data import JsonObject, UserData, describe_row, group_outputs, is_about
from stream_app.errors import BrokerError
from stream_app.features.user_row import UserRow, decode_row, is_owned
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.intake import build_privacy, subject_of
from stream_app.runtimes.common.partitioning import partition_of
from stream_app.runtimes.kafka.operate.audit import write_entries
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.stored_records import records_of
from stream_app.runtimes.kafka.operate.topics import check_topics, name_of
from stream_app.runtimes.kafka.state.claims import ClaimReader
from stream_app.schemas.audit import Act
from stream_app.schemas.topics import TOPICS, row_key, rows_changelog
from stream_app.settings.environment import Settings


async def export(user_id: str, settings: Settings) -> UserData:
    """A user's row, the outputs about them, and the sessions that recommenders learned from.

    Outputs under the other ids that the user owns are theirs, too. The audit log tells of it.

    Raises:
        BrokerError: the broker is lost, or a topic is missing.
        SettingsError: there is no snapshot key, under which the audit log names the user.
    """
    subject = subject_of(user_id, settings, settings.snapshot_keys)
    definitions = settings.loaded_definitions
    await check_topics(settings)
    user_keys = build_privacy(settings).user_keys(user_id)
    home = partition_of(user_id.encode(), settings.partitions)
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        rows = await _rows(consumer, home, user_keys, settings)
        owned = await _owned_ids(consumer, rows, settings)
        names = {user_id, *user_keys, *owned}
        bodies: list[bytes] = []
        for topic in TOPICS:
            if not topic.has_outputs:
                continue
            places = sorted({home, *owned.values()}) if topic.partitions is None else [0]
            for place in places:
                bodies += [
                    record.value
                    async for record in records_of(consumer, name_of(topic, settings), place)
                    if record.value is not None and is_about(record.value, names)
                ]
    except KafkaError as error:
        raise BrokerError(f"the topics cannot be read: {error}") from error
    finally:
        await consumer.stop()
    await write_entries([act(Act.EXPORT, subject)], settings)
    described = {key: describe_row(row, definitions) for key, row in rows.items()}
    return UserData(user_id, described, group_outputs(bodies), _learned(bodies))


async def _rows(
    consumer: AIOKafkaConsumer, partition: int, user_keys: Iterable[str], settings: Settings
) -> dict[str, UserRow]:
    """Those of some rows of a partition that there are."""
    wanted = {row_key(key): key for key in user_keys}
    rows: dict[str, UserRow] = {}
    reader = ClaimReader()
    async for record in records_of(consumer, rows_changelog(settings.app_id).name, partition):
        if reader.counts(record) and record.key in wanted:
            rows.pop(wanted[record.key], None)
            if record.value is not None:
                rows[wanted[record.key]] = decode_row(record.value)
    return rows


async def _owned_ids(
    consumer: AIOKafkaConsumer, rows: Mapping[str, UserRow], settings: Settings
) -> dict[str, int]:
    """The user's other ids, with their partitions: those whose rows point to one of the user's rows."""
    claimed: dict[int, set[str]] = {}
    for row in rows.values():
        for key, place in row.linked.items():
            claimed.setdefault(place.partition, set()).add(key)
    others: dict[str, UserRow] = {}
    for partition, keys in sorted(claimed.items()):
        others |= await _rows(consumer, partition, keys, settings)
    return {
        key: place.partition
        for user_key, row in rows.items()
        for key, place in row.linked.items()
        if is_owned(user_key, place, others.get(key))
    }


def _learned(bodies: list[bytes]) -> list[JsonObject]:
    """The sessions that every recommender learned, in the order of their topic."""
    learned: dict[str, JsonObject] = {}
    for output in map(orjson.loads, bodies):
        if output["schema_name"] == "user_erased":
            learned.clear()
        elif output["schema_name"] == "closed_session" and output["items"] and not output["is_bot"]:
            learned[output["id"]] = {"ended_at": output["ended_at"], "items": output["items"]}
    return list(learned.values())
