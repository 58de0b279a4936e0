"""A broker that is away is told of at once, and then how long it is still waited for."""

import asyncio
import logging
import re

import pytest

from load_tests.broker import HOST, free_port
from stream_app.errors import BrokerError
from stream_app.runtimes.kafka.operate import access
from stream_app.settings.environment import Settings


def test_the_wait_for_a_broker_is_counted_down(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert access.FIRST_WORD_SECONDS < 3
    monkeypatch.setattr(access, "FIRST_WORD_SECONDS", 0.05)
    monkeypatch.setattr(access, "NEXT_WORD_SECONDS", 0.5)
    settings = Settings(kafka_servers=f"{HOST}:{free_port()}", kafka_timeout=1.2)
    with caplog.at_level(logging.WARNING), pytest.raises(BrokerError, match="no broker at"):
        asyncio.run(access.connect(settings))
    left = [float(found) for found in re.findall(r"answers yet: (\S+) s more", caplog.text)]
    assert len(left) >= 2
    assert left == sorted(left, reverse=True)
