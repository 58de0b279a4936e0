"""Reads records by their contract; violations are counted and logged, and never stop a process."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TypeVar

from aiokafka import ConsumerRecord
from pydantic import BaseModel, TypeAdapter, ValidationError

from stream_app.observability.metrics import Metrics
from stream_app.schemas.topics import Topic

log = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)


class ContractReader:
    """Parses records and counts those it refuses."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def read(
        self, topic: Topic, contract: TypeAdapter[ModelT], records: Sequence[ConsumerRecord]
    ) -> Iterator[tuple[int, ModelT]]:
        """The records that satisfy the contract, with their offsets."""
        for record in records:
            try:
                yield record.offset, contract.validate_json(record.value or b"")
            except ValidationError as error:
                # The error's own text would reveal the values.
                self.refuse(topic, record, f"{error.error_count()} errors")

    def refuse(self, topic: Topic, record: ConsumerRecord, why: str) -> None:
        """Count and log a refused record."""
        self._metrics.refused_records.labels(topic.name).inc()
        log.warning("%s, offset %s refused: %s", topic.name, record.offset, why)
