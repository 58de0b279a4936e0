import os
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from load_tests.broker import Broker, missing_requirements, running_broker


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for the whole test session."""
    if reason := missing_requirements():
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run the Kafka tests: {reason}")
        pytest.skip(f"Kafka tests need a broker: {reason}")
    with running_broker() as running:
        yield running


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
