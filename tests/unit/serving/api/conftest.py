from collections.abc import Iterator
from pathlib import Path

import pytest
from support.served_folder import ALL_KEYS, Asker, serving, simulate_folder

from stream_app.runtimes.embedded.store import Store


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_folder(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[Asker]:
    """Without keys, asked from this machine."""
    with serving(folder) as asker:
        yield asker


@pytest.fixture(scope="module")
def keyed(folder: Path) -> Iterator[Asker]:
    """With a key of each scope, asked from elsewhere."""
    with serving(folder, client=("203.0.113.9", 50_000), api_keys=ALL_KEYS) as asker:
        yield asker


@pytest.fixture(scope="session")
def user(folder: Path) -> str:
    """An identified user with sessions, a tier and an outlook."""
    with Store(folder, read_only=True) as store:
        known = {key for _, key, row in store.rows() if row.is_identified and row.recent_items and row.tier}
    return min(known)


@pytest.fixture(scope="session")
def item(folder: Path, user: str) -> str:
    with Store(folder, read_only=True) as store:
        return next(row.recent_items[-1] for _, key, row in store.rows() if key == user)
