"""Failed events that can be processed now, sent to the events topic once more."""

from __future__ import annotations

import time

from stream_app.runtimes.common.intake import build_privacy
from stream_app.runtimes.common.mending import Mended, Retaken, mend
from stream_app.runtimes.kafka.consume.producer import BulkProducer
from stream_app.runtimes.kafka.operate.feeding import ROUND_RECORDS, read_topic, spread_by_user
from stream_app.runtimes.kafka.operate.topics import name_of
from stream_app.schemas.failures import FailedEvent
from stream_app.schemas.topics import EVENTS, FAILED
from stream_app.settings.environment import Settings


async def retake(settings: Settings) -> Retaken:
    """Send what can be read and is not late. Sent twice, it counts once: workers know a repeat by its id.

    Raises:
        BrokerError: the broker is lost, a topic is missing, or an event was not acknowledged.
    """
    now = time.time()
    privacy, rules = build_privacy(settings), settings.rules
    found: list[Mended | None] = []

    def look(body: bytes) -> None:
        found.append(mend(FailedEvent.model_validate_json(body), now, privacy, rules))

    await read_topic(FAILED.name, settings, look)
    mended = [record for record in found if record is not None]
    # A worker's watermark follows event time, which is hardly ahead of the clock.
    in_time = [record.value for record in mended if record.at >= now - rules.allowed_lateness]
    async with BulkProducer(settings) as producer:
        for start in range(0, len(in_time), ROUND_RECORDS):
            spread = spread_by_user(in_time[start : start + ROUND_RECORDS], settings.partitions, rules)
            for partition, messages in spread.items():
                await producer.send(name_of(EVENTS, settings), partition, messages)
    return Retaken(len(in_time), len(found) - len(mended), len(mended) - len(in_time))
