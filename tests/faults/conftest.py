import pytest
from faults.outcome import Outcome, run_uninterrupted
from faults.recorded_stream import ByPartition, record_stream

EVENTS = 4_000
PARTITIONS = 3


@pytest.fixture(scope="session")
def stream() -> ByPartition:
    """A short stream, recorded once."""
    return record_stream(EVENTS, PARTITIONS)


@pytest.fixture(scope="session")
def expected(stream: ByPartition) -> Outcome:
    """What an uninterrupted run of it comes to."""
    return run_uninterrupted(stream)
