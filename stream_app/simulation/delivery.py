"""From happening to arrival: network time, devices without a network, second deliveries."""

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from stream_app.simulation.population import format_uuid
from stream_app.simulation.settings import SimulationSettings, uniforms
from stream_app.simulation.visits import Happening

RETRY_MS = 20_000
MOST_RETRY_MS = 3_600_000


class Arrival(NamedTuple):
    """One delivery of a happening; `sent_ms` and `received_ms` are true times."""

    received_ms: int
    serial: int
    sent_ms: int
    message_id: str
    happening: Happening
    is_late: bool
    is_repeat: bool


class Delivery:
    """Puts happenings in order of arrival; holds only what is still on its way."""

    def __init__(self, settings: SimulationSettings) -> None:
        self._repeat_odds = settings.repeat_share / (1 - settings.repeat_share)
        self._draws = uniforms(settings.generator("delivery"))
        self._message_ids = _draw_message_ids(settings.generator("message ids"))
        self._under_way: list[Arrival] = []
        self._serial = 0

    def deliver(self, episodes: Iterable[tuple[int, list[Happening]]]) -> Iterator[Arrival]:
        """Arrivals before the start of the latest of the episodes, given in order of their starts (ms)."""
        for start_ms, happenings in episodes:
            yield from self.flush(start_ms)
            self._send(happenings)

    def flush(self, before_ms: int | None = None) -> Iterator[Arrival]:
        """What is under way and arrives before a time, or all of it."""
        under_way = self._under_way
        while under_way and (before_ms is None or under_way[0].received_ms < before_ms):
            yield heapq.heappop(under_way)

    def _send(self, happenings: list[Happening]) -> None:
        visitor = happenings[0].visitor
        # Without a network everything waits on the device until the visit is over and the network back.
        back_ms = happenings[-1].at_ms + visitor.absence_ms if visitor.absence_ms else 0
        for position, happening in enumerate(happenings):
            message_id = next(self._message_ids)
            sent_ms = back_ms + 3 * position if back_ms else happening.at_ms + 5 + int(40 * next(self._draws))
            self._push(sent_ms, message_id, happening, bool(back_ms), False)
            if next(self._draws) < self._repeat_odds:
                wait = min(int(-RETRY_MS * np.log1p(-next(self._draws))) + 500, MOST_RETRY_MS)
                self._push(sent_ms + wait, message_id, happening, bool(back_ms), True)

    def _push(
        self, sent_ms: int, message_id: str, happening: Happening, is_late: bool, is_repeat: bool
    ) -> None:
        self._serial += 1
        received_ms = sent_ms + happening.visitor.latency_ms
        arrival = Arrival(received_ms, self._serial, sent_ms, message_id, happening, is_late, is_repeat)
        heapq.heappush(self._under_way, arrival)


def _draw_message_ids(draw: np.random.Generator) -> Iterator[str]:
    while True:
        digits = draw.bytes(16 * 1024).hex()
        for first in range(0, len(digits), 32):
            yield format_uuid(digits[first : first + 32])
