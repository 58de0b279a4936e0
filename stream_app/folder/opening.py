"""A data folder opened to be filled, with its models, as the settings say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.intake import build_intake
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.runtimes.embedded.learned import LearnedModels, folder_key
from stream_app.runtimes.embedded.letter_box import LetterBox
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.environment import Settings


def data_key(data_dir: Path, settings: Settings) -> bytes:
    """The secret of a data folder: the settings' key for snapshots, else the folder's own."""
    if settings.snapshot_key is not None:
        return settings.snapshot_key.get_secret_value().encode()
    return folder_key(data_dir)


@contextmanager
def open_replay(
    data_dir: Path, settings: Settings, metrics: Metrics, partitions: int | None = None
) -> Iterator[tuple[Store, LearnedModels, Replay]]:
    """The folder's store, models and replay; without `partitions` it has as many as it was filled with.

    Privacy requests that waited for somebody to open it are granted first.

    Raises:
        StateError: the folder cannot be used.
    """
    with Store(data_dir) as store:
        key = data_key(data_dir, settings)
        learned = LearnedModels(
            store,
            key,
            settings.tier_targets,
            metrics,
            time.time,
            settings.surface_rules,
            settings.content_interval,
        )
        collect_seldom()
        replay = Replay(
            store,
            learned,
            settings.rules,
            metrics,
            time.time,
            partitions or max(len(store.partitions()), 1),
            settings.hot_rows,
            intake=build_intake(settings, key),
        )
        LetterBox(data_dir).grant_all(replay.erase)
        yield store, learned, replay
