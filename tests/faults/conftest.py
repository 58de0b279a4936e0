import pytest
from faults.outcome import Outcome, run_uninterrupted
from faults.recorded_stream import ByPartition, record_stream, record_tail

EVENTS = 4_000
TAIL_EVENTS = 300
PARTITIONS = 3


@pytest.fixture(scope="session")
def stream() -> ByPartition:
    """A short stream, recorded once."""
    return record_stream(EVENTS, PARTITIONS)


@pytest.fixture(scope="session")
def tail() -> ByPartition:
    """What comes after it."""
    return record_tail(TAIL_EVENTS, PARTITIONS)


@pytest.fixture(scope="session")
def expected(stream: ByPartition, tail: ByPartition) -> Outcome:
    """What an uninterrupted run of both comes to."""
    return run_uninterrupted(stream, tail=tail)
