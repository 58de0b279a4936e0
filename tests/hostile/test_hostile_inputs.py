"""Hostile inputs cost no good event and stop nothing; `make hostile` sends more of them, and times them."""

import time
from pathlib import Path

import pytest
from hostile.inputs import shuffled
from hostile.ways import collect, replay, work

from load_tests.broker import Broker

INPUTS = 700  # through each of three ways


def test_the_embedded_runtime_takes_them(tmp_path: Path) -> None:
    now = time.time()
    assert replay(shuffled(1, INPUTS, now), tmp_path, now).is_whole


def test_the_collector_answers_them(tmp_path: Path) -> None:
    assert collect(shuffled(2, INPUTS, time.time()), tmp_path).is_whole


@pytest.mark.kafka
def test_a_worker_takes_them(broker: Broker, topic_prefix: str, tmp_path: Path) -> None:
    assert work(shuffled(3, INPUTS, time.time()), broker, topic_prefix, tmp_path).is_whole
