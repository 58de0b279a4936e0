"""Decides which records of a changelog count: those of the partition's latest claimant.

A process that stands still in the middle of a write may go on when its partition has long moved, and append
old rows behind newer ones. So whoever takes a partition over appends a claim to its changelog before anything
else, and each of its records names the offset of that claim. That is a fencing token (Kleppmann, "How to do
distributed locking", 2016) which readers check: a record that names an older claim than the newest before it
is passed over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from aiokafka import ConsumerRecord

from stream_app.runtimes.kafka.consume.producer import Headers

CLAIM_KEY = b"\xffclaim"  # no text in UTF-8, so no row's
HEADER = "claim"


class ClaimReader:
    """Reads a partition's changelog in its order; `newest` is the offset of the newest claim known so far."""

    def __init__(self, newest: int | None = None) -> None:
        self.newest = newest

    def counts(self, record: ConsumerRecord) -> bool:
        """Whether a record is a row's, and of whoever had the partition then."""
        if record.key == CLAIM_KEY:
            self.newest = record.offset
            return False
        named = claim_named(record)
        if named is None:
            return True  # written before there were claims
        if self.newest is not None and named < self.newest:
            return False
        # Compaction may have taken the claim itself.
        self.newest = named
        return True


def rows_that_count(records: Iterable[ConsumerRecord]) -> Iterator[ConsumerRecord]:
    """The rows that count among a changelog's records, read from the beginning."""
    readers: defaultdict[int, ClaimReader] = defaultdict(ClaimReader)
    return (record for record in records if readers[record.partition].counts(record))


def headers_of(claim: int) -> Headers:
    """Headers of the records that are written under a claim."""
    return [(HEADER, b"%d" % claim)]


def claim_named(record: ConsumerRecord) -> int | None:
    """The claim that a record names; None where it names none."""
    for name, value in record.headers:
        if name == HEADER:
            return int(value)
    return None
