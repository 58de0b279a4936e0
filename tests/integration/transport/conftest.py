from pathlib import Path

import pytest
from support.bulk_reader import Cluster

from load_tests.broker import Broker


@pytest.fixture
def cluster(broker: Broker, topic_prefix: str, tmp_path: Path) -> Cluster:
    return Cluster(broker.bootstrap_servers, topic_prefix, tmp_path)
