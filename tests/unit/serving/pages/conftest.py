from collections.abc import Iterator
from pathlib import Path

import pytest
from support.served_folder import Asker, serving, simulate_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_folder(tmp_path_factory.mktemp("paged"))


@pytest.fixture(scope="module")
def pages(folder: Path) -> Iterator[Asker]:
    """Without keys, asked from this machine."""
    with serving(folder) as asker:
        yield asker
