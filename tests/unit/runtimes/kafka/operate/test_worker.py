"""How a worker's end is told of."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from stream_app.errors import BrokerError, StreamAppError
from stream_app.runtimes.kafka.operate.worker import _run


class EndedApp:
    """An app that has ended, and whose parts cannot be stopped any more."""

    conf = SimpleNamespace(id="app")

    def __init__(self, reason: Exception | None) -> None:
        self.crash_reason = reason

    def finalize(self) -> None:
        pass

    async def start(self) -> None:
        pass

    async def wait_until_stopped(self) -> None:
        pass

    async def stop(self) -> None:
        raise RuntimeError("Event loop is closed")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (BrokerError("the broker is lost"), (BrokerError, "the broker is lost")),
        (ValueError("nobody expected this"), (StreamAppError, "app stopped: ValueError")),
        (None, (RuntimeError, "Event loop is closed")),
    ],
)
def test_what_fails_in_stopping_does_not_hide_why_the_app_crashed(
    reason: Exception | None, told: tuple[type[Exception], str]
) -> None:
    app: Any = EndedApp(reason)
    with pytest.raises(told[0], match=told[1]):
        asyncio.run(_run(app))
