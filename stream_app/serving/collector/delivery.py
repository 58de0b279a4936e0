"""The collector's backend: makes events durable, on Kafka or in a data folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Delivery(Protocol):
    """Accepts the events of one request as JSON; each goes to its user's partition."""

    @property
    def is_ready(self) -> bool:
        """Whether it can currently make events durable."""

    async def __call__(self, events: Sequence[bytes]) -> None:
        """Return once all are durable.

        Raises:
            BrokerError: the broker did not acknowledge them in time.
            StateError: the data folder could not be written.
        """
