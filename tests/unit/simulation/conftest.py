from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream_app.simulation.settings import SimulationSettings
from stream_app.simulation.writer import SimulationSummary, write_simulation

Record = dict[str, Any]


def read_lines(path: Path) -> list[Record]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@dataclass
class Written:
    settings: SimulationSettings
    summary: SimulationSummary
    events: list[Record]
    catalogue: list[Record]
    truths: dict[str, list[Record]]

    @cached_property
    def bots(self) -> set[str]:
        return {record["message_id"] for record in self.truths["event"] if record["is_bot"]}

    def first_arrivals(self) -> Iterator[Record]:
        seen = set()
        for event in self.events:
            if event["messageId"] not in seen:
                seen.add(event["messageId"])
                yield event


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    settings = SimulationSettings(users=600, days=9, seed=11)
    summary = write_simulation(settings, tmp_path_factory.mktemp("simulation"))
    truths: dict[str, list[Record]] = {}
    for record in read_lines(summary.truth_path):
        truths.setdefault(record["kind"], []).append(record)
    return Written(
        settings, summary, read_lines(summary.events_path), read_lines(summary.catalogue_path), truths
    )
