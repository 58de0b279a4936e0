"""Decides which records of a changelog count: those written under the latest claim.

A process that pauses in the middle of a write may resume long after its partition has moved, and append old
rows after newer ones. A new owner therefore appends a claim to the changelog before anything else, and each
of its records names the offset of that claim. This is a fencing token (Kleppmann, "How to do distributed
locking", 2016) that readers check: they ignore a record that names an older claim than the newest before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from aiokafka import ConsumerRecord

from stream_app.runtimes.kafka.consume.producer import Headers

CLAIM_KEY = b"\xffclaim"  # not valid UTF-8, so never a row's key
HEADER = "claim"


class ClaimReader:
    """Reads a partition's changelog in order; `newest` is the offset of the newest claim known so far."""

    def __init__(self, newest: int | None = None) -> None:
        self.newest = newest

    def counts(self, record: ConsumerRecord) -> bool:
        """Whether a record is a row written by the partition's owner at that time."""
        if record.key == CLAIM_KEY:
            self.newest = record.offset
            return False
        named = claim_named(record)
        if named is None:
            return True  # written before there were claims
        if self.newest is not None and named < self.newest:
            return False
        # Compaction may have removed the claim itself.
        self.newest = named
        return True


def rows_that_count(records: Iterable[ConsumerRecord]) -> Iterator[ConsumerRecord]:
    """Return the rows that count among a changelog's records, read from the beginning."""
    readers: defaultdict[int, ClaimReader] = defaultdict(ClaimReader)
    return (record for record in records if readers[record.partition].counts(record))


def headers_of(claim: int) -> Headers:
    """Headers for records written under a claim."""
    return [(HEADER, b"%d" % claim)]


def claim_named(record: ConsumerRecord) -> int | None:
    """The claim that a record names; None if it names none."""
    for name, value in record.headers:
        if name == HEADER:
            return int(value)
    return None
