"""Snapshots put together from their parts, whatever else lies on the topic."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from stream_app.models import snapshot, targets
from stream_app.runtimes.kafka.models.snapshots import SnapshotReader, Version, load

FORGED = b"forged"
KEY = b"a key for tests alone"


class Sent(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Reading:
    def __init__(self) -> None:
        self.found: list[tuple[str, Version]] = []
        self.refused: list[Any] = []
        self._reader = SnapshotReader(self._find, self.refused.append)

    def _find(self, model: str, version: Version) -> bool:
        if version.data == FORGED:
            return False
        self.found.append((model, version))
        return True

    def read(self, *records: Sent) -> None:
        self._reader.read_records(records)  # type: ignore[arg-type]  # all of a record that is read


def part(number: int, slot: int, index: int, parts: int, value: bytes | None = b"x") -> Sent:
    headers = (("version", str(number).encode()), ("parts", str(parts).encode()))
    return Sent(f"tiers/{slot}/{index}".encode(), value, headers)


def test_a_snapshot_is_found_once_all_its_parts_are_there() -> None:
    reading = Reading()
    reading.read(part(7, 0, 1, 2, b"b"))
    assert reading.found == []
    reading.read(part(7, 0, 0, 2, b"a"))
    assert reading.found == [("tiers", Version(7, 0, b"ab"))]


def test_of_several_in_one_reading_only_the_newest_counts() -> None:
    reading = Reading()
    reading.read(part(3, 0, 0, 1, b"old"), part(9, 1, 0, 1, b"new"))
    reading.read(part(5, 0, 0, 1, b"late"))
    assert reading.found == [("tiers", Version(9, 1, b"new"))]


def test_a_version_cut_short_leaves_the_one_before_in_the_other_slot() -> None:
    reading = Reading()
    # Version 9 overwrote one part of version 5 in slot 0 before its writer died.
    reading.read(part(7, 1, 0, 1, b"whole"), part(5, 0, 1, 2, b"stale"), part(9, 0, 0, 2, b"begun"))
    assert reading.found == [("tiers", Version(7, 1, b"whole"))]
    reading.read(part(11, 0, 0, 2, b"a"), part(11, 0, 1, 2, b"b"))
    assert reading.found[-1] == ("tiers", Version(11, 0, b"ab"))


@pytest.mark.parametrize(
    "poison",
    [
        Sent(None, b"x", ()),
        Sent(b"\xff/0/0", b"x", (("version", b"1"), ("parts", b"1"))),
        Sent(b"tiers", b"x", (("version", b"1"), ("parts", b"1"))),
        Sent(b"tiers/0/0", b"x", ()),
        Sent(b"tiers/0/0", b"x", (("version", b"one"), ("parts", b"1"))),
        part(1, 0, 5, 2),
        part(1, 0, -1, 2),
        part(1, 0, 0, 0),
        part(1, 0, 0, 1, None),
    ],
)
def test_a_record_that_is_no_part_is_refused_and_stops_nothing(poison: Sent) -> None:
    reading = Reading()
    reading.read(part(3, 0, 0, 2, b"a"), poison, part(3, 0, 1, 2, b"b"))
    assert reading.refused == [poison]
    assert reading.found == [("tiers", Version(3, 0, b"ab"))]


def test_what_is_refused_keeps_nothing_out_that_comes_before_or_after_it() -> None:
    reading = Reading()
    reading.read(part(3, 0, 0, 1, b"good"), part(10**12, 1, 0, 1, FORGED))
    assert reading.found == [("tiers", Version(3, 0, b"good"))]
    reading.read(part(5, 1, 0, 1, b"better"))
    assert reading.found[-1] == ("tiers", Version(5, 1, b"better"))


def test_parts_that_disagree_on_how_many_there_are_make_nothing_up() -> None:
    reading = Reading()
    reading.read(part(3, 0, 5, 6), part(3, 0, 0, 2))
    assert reading.found == []
    reading.read(part(3, 0, 1, 2))
    assert reading.found == [("tiers", Version(3, 0, b"xx"))]


def test_a_good_snapshot_is_refused_where_it_does_not_belong() -> None:
    model = targets.outcome_model("churn")
    data = snapshot.dump(model, KEY, 7, datetime(2024, 3, 4, tzinfo=UTC))
    assert load("churn", Version(7, 0, data), KEY)[0].name == "churn"
    for name, number in (("purchase", 7), ("churn", 10**12)):
        with pytest.raises(snapshot.SnapshotRefused, match="is churn 7"):
            load(name, Version(number, 0, data), KEY)
