"""`stream-app trainer`, killed (SIGKILL) by itself at the moment whose number is given.

A moment is before or after one of the things that it does: a batch learned, records sent, offsets committed.
"""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from stream_app.runtimes.kafka.models.trainer import ModelTrainer

ACTS: dict[str, type] = {
    "learn": ModelTrainer,
    "send_batch": AIOKafkaProducer,
    "commit": AIOKafkaConsumer,
}


def die_at(moment: int, among: Sequence[str] = tuple(ACTS)) -> None:
    """Let this process be killed at a moment, counted from 1 among those of the acts that are named."""
    left = moment

    def pass_by() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in among:
        setattr(ACTS[name], name, _watched(getattr(ACTS[name], name), pass_by))


def _watched(act: Callable[..., Any], pass_by: Callable[[], None]) -> Callable[..., Any]:
    async def watched(*args: Any, **kwargs: Any) -> Any:
        pass_by()
        result = await act(*args, **kwargs)
        pass_by()
        return result

    return watched
