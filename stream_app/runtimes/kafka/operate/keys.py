"""The snapshot keys that were used on a cluster, on a compacted topic of their fingerprints.

A record counts where whoever wrote it held the key that was in use before it. So of two first processes with
different keys one is refused, and nobody without the key can put another in its place by mistake.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from stream_app.errors import BrokerError
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.key_history import KeyUse, continue_with, fingerprint_of
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.audit import encode_entries
from stream_app.runtimes.kafka.operate.connection import client_options
from stream_app.runtimes.kafka.operate.stored_records import records_of
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.audit import Act
from stream_app.schemas.topics import KEYS
from stream_app.settings.environment import Settings


class KeyRecord(msgspec.Struct, frozen=True):
    """A key that is used from now on, and the others that whoever says so held; by their fingerprints."""

    fingerprint: str
    since: float  # epoch seconds
    held: list[str]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(KeyRecord)


async def settle_keys(settings: Settings) -> list[KeyUse]:
    """The keys that were used, once this process's are found to fit; a new one is in use from now on.

    Raises:
        SettingsError: a key that is needed is not among the settings'.
        BrokerError: the broker is lost.
    """
    keys = settings.snapshot_keys
    history = await read_history(settings)
    if _continued(history, settings) == history:
        return history
    held = [fingerprint_of(key) for key in keys]
    record = KeyRecord(held[0], time.time(), held[1:])
    async with BulkProducer(settings) as producer:
        message = (KEYS.key.of(record.fingerprint), _encoder.encode(record))
        await producer.send(name_of(KEYS, settings), 0, [message])
        written = await read_history(settings)
        _continued(written, settings)  # somebody else may have been first
        if history:
            details = {"from": history[-1].fingerprint, "to": held[0]}
            await producer.send_all(encode_entries([act(Act.KEY_CHANGE, details=details)], settings))
    return written


async def read_history(settings: Settings) -> list[KeyUse]:
    """The keys that were used, the present one last.

    Raises:
        BrokerError: the broker is lost.
    """
    consumer = AIOKafkaConsumer(
        **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        found = [record.value async for record in records_of(consumer, name_of(KEYS, settings), 0)]
    except KafkaError as error:
        raise BrokerError(f"{name_of(KEYS, settings)} cannot be read: {error}") from error
    finally:
        await consumer.stop()
    return history_of(found)


def history_of(values: Iterable[bytes | None]) -> list[KeyUse]:
    """The keys of the records that count, in their order."""
    history: list[KeyUse] = []
    for value in values:
        try:
            record = _decoder.decode(value or b"")
        except msgspec.MsgspecError:
            continue
        if not history:
            history.append(KeyUse(record.fingerprint, record.since))
        elif history[-1].fingerprint in record.held:
            history[-1] = msgspec.structs.replace(history[-1], until=record.since)
            history.append(KeyUse(record.fingerprint, record.since))
    return history


def _continued(history: Sequence[KeyUse], settings: Settings) -> list[KeyUse]:
    filled = f"what the topics of {settings.topic_prefix or 'this cluster'} hold"
    return continue_with(history, settings.snapshot_keys, time.time(), settings.row_validity, filled)
