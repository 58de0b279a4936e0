"""What each aggregate means: a part of it is made of values in any order, joined with others, and read.

A part is plain data that MessagePack holds: numbers, texts, lists, and counts by text. `None` is the part of
no events. `add` and `merge` may change the part that they are given first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple

from stream_app.definitions.features import FeatureDefinition
from stream_app.definitions.spans import DAY, seconds_of
from stream_app.features.calendar import note_day, streak
from stream_app.features.distinct import bit_of, estimate_distinct
from stream_app.features.statistics import OTHER

Part = Any
Value = float | str
# Bytes of a value in MessagePack, at most.
NUMBER, TEXT_HEAD, LIST_HEAD = 9, 2, 1
SPARE_NAMES = 3  # values counted for each that is told, so that a frequent one is not lost early


class Reading(NamedTuple):
    """A value, and what its feature's name ends in."""

    suffix: str
    value: Value


class Aggregate(ABC):
    """How events, or their values, are joined."""

    @abstractmethod
    def add(self, part: Part, value: Value, at: float) -> Part:
        """The part with one more value, of event time `at`."""

    @abstractmethod
    def merge(self, part: Part, other: Part) -> Part:
        """Two parts as one; neither is None."""

    @abstractmethod
    def read(self, part: Part, at: float) -> Iterator[Reading]:
        """What the part says at event time `at`."""

    @property
    @abstractmethod
    def most_bytes(self) -> int:
        """The largest size of a part."""


class Count(Aggregate):
    """How many events there were."""

    most_bytes = 5

    def add(self, part: Part, value: Value, at: float) -> Part:
        return (part or 0) + 1

    def merge(self, part: Part, other: Part) -> Part:
        return part + other

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", part)


class Sum(Aggregate):
    """The values' sum."""

    most_bytes = NUMBER

    def add(self, part: Part, value: Value, at: float) -> Part:
        return _short((part or 0) + float(value))

    def merge(self, part: Part, other: Part) -> Part:
        return _short(part + other)

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", part)


class Mean(Aggregate):
    """The values' mean."""

    most_bytes = LIST_HEAD + 5 + NUMBER

    def add(self, part: Part, value: Value, at: float) -> Part:
        count, total = part or (0, 0)
        return [count + 1, _short(total + float(value))]

    def merge(self, part: Part, other: Part) -> Part:
        return [part[0] + other[0], _short(part[1] + other[1])]

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", part[1] / part[0])


class Least(Aggregate):
    """The least value."""

    most_bytes = NUMBER

    def add(self, part: Part, value: Value, at: float) -> Part:
        return _short(value) if part is None else min(part, _short(value))

    def merge(self, part: Part, other: Part) -> Part:
        return min(part, other)

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", part)


class Greatest(Least):
    """The greatest value."""

    def add(self, part: Part, value: Value, at: float) -> Part:
        return _short(value) if part is None else max(part, _short(value))

    def merge(self, part: Part, other: Part) -> Part:
        return max(part, other)


class Newest(Aggregate):
    """The `keep` values of the newest events, newest first; of one time, the greater number or text first."""

    sign = 1

    def __init__(self, keep: int, longest: int, is_listed: bool = True) -> None:
        self.keep = keep
        self._longest = longest
        self._is_listed = is_listed

    def add(self, part: Part, value: Value, at: float) -> Part:
        return self.merge(part or [], [[at, value]])

    def merge(self, part: Part, other: Part) -> Part:
        # Numbers sort before texts: a property may be either.
        return sorted(
            [*part, *other],
            key=lambda kept: (self.sign * kept[0], isinstance(kept[1], str), kept[1]),
            reverse=True,
        )[: self.keep]

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        for rank, (_, value) in enumerate(part, 1):
            yield Reading(f"_{rank}" if self._is_listed else "", value)

    @property
    def most_bytes(self) -> int:
        return LIST_HEAD + self.keep * (LIST_HEAD + NUMBER + max(NUMBER, text_bytes(self._longest)))


class First(Newest):
    """The value of the first event."""

    sign = -1


class MostFrequent(Aggregate):
    """The `keep` most frequent texts, most frequent first, ties by text.

    Exact while there are no more than `1 + SPARE_NAMES` different texts for each that is kept. Beyond that, a
    new text takes the place of the least counted, and its count with it. Source: Metwally, Agrawal, El Abbadi
    (2005), "Space-Saving".
    """

    def __init__(self, keep: int, longest: int) -> None:
        self.keep = keep
        self._longest = longest
        self.room = keep * (1 + SPARE_NAMES)

    def add(self, part: Part, value: Value, at: float) -> Part:
        counts: dict[str, int] = part if part is not None else {}
        text = str(value)
        if text in counts or len(counts) < self.room:
            counts[text] = counts.get(text, 0) + 1
        else:
            least = min(counts, key=lambda other: (counts[other], other))
            counts[text] = counts.pop(least) + 1
        return counts

    def merge(self, part: Part, other: Part) -> Part:
        for text, count in other.items():
            part[text] = part.get(text, 0) + count
        for text in self.ranked(part)[self.room :]:
            del part[text]
        return part

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        for rank, text in enumerate(self.ranked(part)[: self.keep], 1):
            yield Reading(f"_{rank}", text)

    def ranked(self, part: Part) -> list[str]:
        """The texts, most frequent first."""
        return sorted(part, key=lambda text: (-part[text], text))

    @property
    def most_bytes(self) -> int:
        return LIST_HEAD + 2 + (self.room + 1) * (text_bytes(self._longest) + 5)


class Share(MostFrequent):
    """What share of the events had each of the `keep` most frequent texts, between 0 and 1.

    Exact while there are no more than `1 + SPARE_NAMES` different texts for each that is kept; texts that
    come later are counted together.
    """

    def add(self, part: Part, value: Value, at: float) -> Part:
        counts: dict[str, int] = part if part is not None else {}
        text = str(value)
        if text not in counts and len(counts) - (OTHER in counts) >= self.room:
            text = OTHER
        counts[text] = counts.get(text, 0) + 1
        return counts

    def merge(self, part: Part, other: Part) -> Part:
        for text, count in other.items():
            part[text] = part.get(text, 0) + count
        for text in self.ranked(part)[self.room :]:
            part[OTHER] = part.get(OTHER, 0) + part.pop(text)
        return part

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        total = sum(part.values())
        for text in self.ranked(part)[: self.keep]:
            yield Reading(f"_{text}", part[text] / total)

    def ranked(self, part: Part) -> list[str]:
        return [text for text in super().ranked(part) if text != OTHER]


class Distinct(Aggregate):
    """About how many different texts there were: see `distinct` for the error."""

    most_bytes = NUMBER

    def add(self, part: Part, value: Value, at: float) -> Part:
        return (part or 0) | bit_of(str(value))

    def merge(self, part: Part, other: Part) -> Part:
        return part | other

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", estimate_distinct(part))


class DecayedRate(Aggregate):
    """A sum of which each event's value (1, or that of a property) halves with every half-life."""

    most_bytes = LIST_HEAD + 2 * NUMBER

    def __init__(self, half_life: float) -> None:
        self._half_life = half_life

    def add(self, part: Part, value: Value, at: float) -> Part:
        added = [float(value), at]
        return added if part is None else self.merge(part, added)

    def merge(self, part: Part, other: Part) -> Part:
        older, newer = (part, other) if part[1] <= other[1] else (other, part)
        return [newer[0] + self._decayed(older, newer[1]), newer[1]]

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", self._decayed(part, max(at, part[1])))

    def _decayed(self, part: Part, at: float) -> float:
        return float(part[0] * 0.5 ** ((at - part[1]) / self._half_life))


class Streak(Aggregate):
    """Days (UTC) in a row with an event, up to the last such day, at most 64."""

    most_bytes = LIST_HEAD + NUMBER + 5

    def add(self, part: Part, value: Value, at: float) -> Part:
        bits, day = part or (0, 0)
        return list(note_day(bits, day, int(at // DAY)))

    def merge(self, part: Part, other: Part) -> Part:
        bits, day = other
        for behind in range(bits.bit_length()):
            if bits >> behind & 1:
                part = list(note_day(part[0], part[1], day - behind))
        return part

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", streak(part[0]))


class TimeSince(Aggregate):
    """Days since the newest event."""

    most_bytes = NUMBER

    def add(self, part: Part, value: Value, at: float) -> Part:
        return at if part is None else max(part, at)

    def merge(self, part: Part, other: Part) -> Part:
        return max(part, other)

    def read(self, part: Part, at: float) -> Iterator[Reading]:
        yield Reading("", max(at - part, 0.0) / DAY)


def aggregate_of(feature: FeatureDefinition) -> Aggregate:
    """The aggregate that a definition asks for."""
    match feature.aggregate:
        case "first":
            return First(1, feature.longest, is_listed=False)
        case "last":
            return Newest(1, feature.longest, is_listed=False)
        case "newest":
            return Newest(feature.keep, feature.longest)
        case "most_frequent":
            return MostFrequent(feature.keep, feature.longest)
        case "share":
            return Share(feature.keep, feature.longest)
        case "decayed_rate":
            return DecayedRate(seconds_of(feature.half_life or ""))
        case plain:
            return _PLAIN[plain]()


_PLAIN: dict[str, type[Aggregate]] = {
    "count": Count,
    "distinct": Distinct,
    "sum": Sum,
    "mean": Mean,
    "least": Least,
    "greatest": Greatest,
    "streak": Streak,
    "time_since": TimeSince,
}


def text_bytes(length: int) -> int:
    """The most that a text of so many bytes takes."""
    return TEXT_HEAD + length


def _short(value: Any) -> float | int:
    """A whole number as one: it takes 1 to 9 bytes of a row, not always 9."""
    return int(value) if float(value).is_integer() and abs(value) < 2.0**53 else float(value)
