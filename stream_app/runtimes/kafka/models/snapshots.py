"""Model snapshots on their compacted topic: in parts that fit a message, in two alternating slots.

A message's key is `<model>/<slot>/<part>`, and its headers have the version (the training offset) and the
number of parts. While a version is being written to one slot, the previous one stays complete in the other,
so that neither compaction nor a trainer that dies midway leaves the topic without a complete snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord

from stream_app.models import snapshot
from stream_app.models.learning import AnyModel
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.schemas.topics import SNAPSHOT_PART

PART_BYTES = 900_000
SLOTS = 2
VERSION_HEADER, PARTS_HEADER = "version", "parts"


class Version(NamedTuple):
    """A complete snapshot: its training offset, slot and bytes."""

    number: int
    slot: int
    data: bytes


class _Part(NamedTuple):
    model: str
    slot: int
    place: int
    number: int
    parts: int
    data: bytes


class SnapshotReader:
    """Assembles parts; `found` is called with each complete snapshot that is newer than the last.

    Anyone may have written a record, with any number in it: a snapshot that `found` refuses by returning
    False does not count, and an older one remains the newest. `refused` is called with each record that is
    not part of a snapshot.
    """

    def __init__(
        self, found: Callable[[str, Version], bool], refused: Callable[[ConsumerRecord], object]
    ) -> None:
        self._found = found
        self._refused = refused
        self._parts: dict[tuple[str, int], dict[int, bytes]] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self.newest: dict[str, Version] = {}

    def read_records(self, records: Sequence[ConsumerRecord]) -> None:
        """Read records of the snapshots topic, in order."""
        completed: dict[str, list[Version]] = {}
        for record in records:
            part = _parse(record)
            if part is None:
                self._refused(record)
                continue
            version = self._put(part)
            if version is not None:
                completed.setdefault(version[0], []).append(version[1])
        for model, versions in completed.items():
            for whole in sorted(versions, reverse=True):
                if self._found(model, whole):
                    self.newest[model] = whole
                    break

    def _put(self, part: _Part) -> tuple[str, Version] | None:
        model, number, count = part.model, part.number, part.parts
        slot = (model, part.slot)
        if self._numbers.get(slot) != number:
            self._numbers[slot] = number
            self._parts[slot] = {}
        parts = self._parts[slot]
        parts[part.place] = part.data
        newest = self.newest.get(model)
        is_whole = all(index in parts for index in range(count))
        if not is_whole or (newest is not None and newest.number >= number):
            return None
        whole = Version(number, part.slot, b"".join(parts[index] for index in range(count)))
        self._parts[slot] = {}
        return model, whole


def load(name: str, version: Version, *keys: bytes) -> tuple[AnyModel, snapshot.Header]:
    """Return the model of a snapshot that is signed with one of the keys, and its header.

    Raises:
        SnapshotRefused: it cannot be trusted, or is not what its record's key and headers say.
    """
    model, header = snapshot.load(version.data, *keys)
    if (header.model, header.training_offset) != (name, version.number):
        claimed = f"written as {name} {version.number}, is {header.model} {header.training_offset}"
        raise snapshot.SnapshotRefused(snapshot.Refusal.HEADER, claimed)
    return model, header


async def publish(
    producer: BulkProducer, topic: str, model: str, data: bytes, number: int, last_slot: int | None
) -> int:
    """Write one snapshot, wait until it is acknowledged, and return its slot.

    Raises:
        BrokerError: it was not acknowledged.
    """
    slot = 0 if last_slot is None else (last_slot + 1) % SLOTS
    parts = [data[begin : begin + PART_BYTES] for begin in range(0, len(data), PART_BYTES)]
    headers = [(VERSION_HEADER, str(number).encode()), (PARTS_HEADER, str(len(parts)).encode())]
    messages = [(SNAPSHOT_PART.of(model, slot, index), part) for index, part in enumerate(parts)]
    await producer.send(topic, 0, messages, headers)
    return slot


def _parse(record: ConsumerRecord) -> _Part | None:
    """The part in a record; None if it has none."""
    if record.key is None or record.value is None:
        return None
    headers = dict(record.headers)
    try:
        model, slot, index = record.key.decode().rsplit("/", 2)
        number, count = int(headers[VERSION_HEADER]), int(headers[PARTS_HEADER])
        part = _Part(model, int(slot), int(index), number, count, record.value)
    except (KeyError, ValueError):
        return None
    return part if 0 <= part.place < part.parts else None
