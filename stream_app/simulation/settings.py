"""What a simulation is asked for; every file that it writes is a function of these values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import numpy as np

DAY_MS = 86_400_000
SHARE_LIMITS = {
    "bot_share": 0.5,
    "late_share": 0.25,
    "repeat_share": 0.5,
    "anonymous_share": 0.4,
    "session_event_share": 1.0,
    "label_share": 1.0,
    "label_noise": 0.5,
}


@dataclass(frozen=True)
class SimulationSettings:
    """Size, span and impurities of a simulated clickstream.

    `bot_share` counts events among all events; `late_share` and `anonymous_share` count events of
    people; `repeat_share` counts second deliveries among all; `session_event_share` and `label_share`
    count users. `horizons` are the N, in days, of "returns (or buys) within N days".

    Raises:
        ValueError: with a sentence that says what to write instead.
    """

    users: int = 2_000
    days: int = 14
    start: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    seed: int = 7
    items: int = 400
    courses: int = 0
    bot_share: float = 0.03
    late_share: float = 0.02
    repeat_share: float = 0.01
    anonymous_share: float = 0.10
    session_event_share: float = 0.4
    label_share: float = 0.3
    label_noise: float = 0.1
    horizons: tuple[int, ...] = (1, 3, 7)

    def __post_init__(self) -> None:
        for name, least, most in (
            ("users", 1, 5_000_000),
            ("days", 1, 3_650),
            ("seed", 0, 2**63 - 1),
            ("items", 24, 20_000),
            ("courses", 0, 5_000),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise ValueError(f"{name}={value!r}: write a whole number from {least} to {most}")
        for name, limit in SHARE_LIMITS.items():
            share = getattr(self, name)
            if not 0 <= share <= limit:
                raise ValueError(f"{name}={share!r}: write a share from 0 to {limit}")
        if self.start.utcoffset() != timedelta(0):
            raise ValueError(f"start={self.start!r}: write a time in UTC, such as 2026-03-02T00:00:00+00:00")
        if not self.horizons or list(self.horizons) != sorted(set(self.horizons)) or self.horizons[0] < 1:
            raise ValueError(f"horizons={self.horizons!r}: write rising numbers of days, such as (1, 3, 7)")

    @property
    def start_ms(self) -> int:
        """Start of day 0 in milliseconds since the epoch."""
        return round(self.start.timestamp() * 1000)

    def day_of(self, at: datetime) -> int:
        """Index of the simulated day that holds `at`."""
        return (at - self.start).days

    def generator(self, purpose: str, day: int = 0) -> np.random.Generator:
        """Random stream of its own for one purpose and day, so that a draw added to one moves no other."""
        import numpy as np  # the settings are read without it, as in a command's help

        return np.random.default_rng([self.seed, day, *purpose.encode()])


def read_settings(truth_path: Path) -> SimulationSettings:
    """Settings that a `truth.jsonl` was written with (its first line)."""
    with truth_path.open("rb") as lines:
        record: dict[str, Any] = orjson.loads(next(lines))
    values = {name: value for name, value in record.items() if name != "kind"}
    values["start"] = datetime.fromisoformat(values["start"])
    values["horizons"] = tuple(values["horizons"])
    return SimulationSettings(**values)


def uniforms(generator: np.random.Generator) -> Iterator[float]:
    """Endless uniform draws from [0, 1), drawn in blocks because single draws are slow."""
    while True:
        yield from generator.random(4096).tolist()
