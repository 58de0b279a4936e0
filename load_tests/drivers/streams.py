"""Shared by drivers: events and sessions from files, a new recommender, the minimum of several passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from .names import find

JsonObject = dict[str, Any]
PASSES = 3


def read_values(path: str) -> list[bytes]:
    """The lines of a file."""
    return Path(path).read_bytes().splitlines()


def endless_sessions(values: Sequence[bytes]) -> Iterator[JsonObject]:
    """Recorded closed sessions in order, then repeated with other ids and later times."""
    recorded = sorted((orjson.loads(value) for value in values), key=_ended_at)
    span = _ended_at(recorded[-1]) - _ended_at(recorded[0]) + timedelta(minutes=1)
    for turn in count():
        for session in recorded:
            ended_at = _ended_at(session) + turn * span
            yield session | {"id": f"{session['id']}-{turn}", "ended_at": ended_at.isoformat()}


def record_of(session: JsonObject, topic: str, offset: int) -> ConsumerRecord:
    """A session as a record of its topic."""
    value = orjson.dumps(session)
    return ConsumerRecord(topic, 0, offset, 0, 0, None, value, None, -1, len(value), ())


def new_recommender() -> Any:
    """A worker's recommender, fed by records of the topic of sessions."""
    return find("FedRecommender")(find("Settings")(snapshot_key="a key of this benchmark"), find("Metrics")())


def learner_of(recommender: Any) -> Callable[[Sequence[object]], None]:
    """The method that feeds a worker's recommender, by today's name or by the one of older builds."""
    learn: Callable[[Sequence[object]], None] = (
        getattr(recommender, "learn_records", None) or recommender.take
    )
    return learn


def least(passes: Sequence[Sequence[float]]) -> float:
    """The sum of each part's minimum time, because other load rarely affects all passes of a part."""
    return float(sum(min(times) for times in zip(*passes, strict=True)))


def _ended_at(session: JsonObject) -> datetime:
    return datetime.fromisoformat(session["ended_at"])
