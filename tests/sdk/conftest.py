from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sdk.arrivals import Sending
from sdk.recorder import recording
from sdk.snippets import require_sdks, shop
from support.collector_process import collector_process

from load_tests.broker import free_port
from stream_app.settings.environment import Settings

KEY = "key-of-the-shop"


@pytest.fixture(autouse=True, scope="session")
def _sdks() -> None:
    require_sdks()


@contextmanager
def sending(folder: Path, **settings: Any) -> Iterator[Sending]:
    """A shop, and the collector that its pages and servers send to, behind a recorder."""
    with shop(folder) as site:
        given = Settings(
            collector_port=free_port(), metrics_port=0, write_keys=KEY, **{"cors_origins": site} | settings
        )
        data = folder / "data"
        with (
            recording(given.collector_port) as recorder,
            collector_process(given, folder, "--data-dir", str(data)) as process,
        ):
            yield Sending(site, KEY, given, data, recorder, process)


@pytest.fixture
def shop_sending(tmp_path: Path) -> Iterator[Sending]:
    """A shop with one write key whose own pages may send."""
    with sending(tmp_path) as begun:
        yield begun
