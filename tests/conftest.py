import os
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from load_tests.broker import Broker, missing_requirements, running_broker

# Brokers of tests live for minutes, in which the second compiler does not earn what it costs.
os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"
# Tests run side by side already: threads of a fit would wait for each other's turn.
os.environ["OMP_NUM_THREADS"] = "1"


# Timing belongs in benchmarks: a busy machine must not fail a property.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for the whole test session."""
    if reason := missing_requirements():
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run the Kafka tests: {reason}")
        pytest.skip(f"Kafka tests need a broker: {reason}")
    with running_broker() as running:
        yield running


@pytest.fixture
def failing_broker(broker: Broker) -> Iterator[Broker]:
    """The session's broker, for a test to freeze and to kill; the next test finds it serving again."""
    yield broker
    if broker.pid is None:
        broker.start()
    broker.thaw()


@pytest.fixture(autouse=True)
def _broker_for_marked_tests(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("kafka"):
        request.getfixturevalue("broker")


@pytest.fixture
def topic_prefix() -> str:
    """Tests share a broker: names of topics and groups that begin so are this test's own."""
    return f"test-{uuid.uuid4().hex[:10]}-"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say each reason once, not per test."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason}")
