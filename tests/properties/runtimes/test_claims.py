"""What counts of a changelog to which several owners write, against who had the partition when."""

from __future__ import annotations

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from stream_app.runtimes.kafka.state.claims import (  # type: ignore[attr-defined]
    CLAIM_KEY,
    ClaimReader,
    Headers,
    headers_of,
    rows_that_count,
)

Rows = dict[bytes, bytes | None]
KEYS = (b"a", b"b", b"c")


def _record(
    offset: int, key: bytes, value: bytes | None, headers: Headers = ()
) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord("changelog", 0, offset, 0, 0, key, value, None, 0, 0, tuple(headers))


class Changelog:
    """Records in their order, and the rows that are to come of them at each offset."""

    def __init__(self) -> None:
        self.records: list[ConsumerRecord[bytes, bytes]] = []
        self.rows: list[Rows] = []
        self.claims: list[int] = []
        self.counted: list[ConsumerRecord[bytes, bytes]] = []

    def claim(self) -> None:
        self.claims.append(len(self.records))
        self._append(CLAIM_KEY, b"", (), counts=False)

    def write(self, owner: int, key: bytes, value: bytes | None) -> None:
        """Append a row of one of those who ever claimed, the first being 0."""
        claim = self.claims[owner]
        self._append(key, value, headers_of(claim), counts=claim == self.claims[-1])

    def _append(self, key: bytes, value: bytes | None, headers: Headers, counts: bool) -> None:
        rows = dict(self.rows[-1]) if self.rows else {}
        self.records.append(_record(len(self.records), key, value, headers))
        if counts:
            rows[key] = value
            self.counted.append(self.records[-1])
        self.rows.append(rows)


@st.composite
def changelogs(draw: st.DrawFn) -> Changelog:
    changelog = Changelog()
    changelog.claim()
    for _ in range(draw(st.integers(0, 30))):
        if draw(st.integers(0, 4)) == 0:
            changelog.claim()
        else:
            owner = draw(st.integers(0, len(changelog.claims) - 1))
            value = draw(st.none() | st.binary(max_size=1))
            changelog.write(owner, draw(st.sampled_from(KEYS)), value)
    return changelog


@given(changelogs())
def test_rows_are_those_of_whoever_claimed_last(changelog: Changelog) -> None:
    found = {record.key: record.value for record in rows_that_count(changelog.records)}
    assert found == changelog.rows[-1]


@given(changelogs(), st.data())
def test_reading_goes_on_where_it_was_left(changelog: Changelog, data: st.DataObject) -> None:
    left_at = data.draw(st.integers(0, len(changelog.records) - 1))
    before = ClaimReader()
    for record in changelog.records[: left_at + 1]:
        before.counts(record)
    found = dict(changelog.rows[left_at])
    # As a recovery does, it reads the record where it stopped once more.
    after = ClaimReader(before.newest)
    found |= {r.key: r.value for r in changelog.records[left_at:] if after.counts(r)}
    assert found == changelog.rows[-1]


@given(changelogs())
def test_rows_count_without_the_claims_that_compaction_took(changelog: Changelog) -> None:
    assert list(rows_that_count(changelog.counted)) == changelog.counted


def test_rows_from_before_there_were_claims_count() -> None:
    records = [_record(0, b"a", b"1"), _record(1, CLAIM_KEY, b""), _record(2, b"b", b"2")]
    assert [record.key for record in rows_that_count(records)] == [b"a", b"b"]


def test_each_partition_has_its_own_claims() -> None:
    claim = _record(5, CLAIM_KEY, b"")
    other = ConsumerRecord("changelog", 1, 9, 0, 0, b"a", b"1", None, 0, 0, tuple(headers_of(2)))
    assert list(rows_that_count([claim, other])) == [other]
