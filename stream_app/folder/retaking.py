"""Failed events of a data folder that can be processed now, taken in again."""

from __future__ import annotations

import time
from pathlib import Path

from stream_app.folder.opening import open_replay
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.intake import build_privacy
from stream_app.runtimes.common.mending import Mended, Retaken, mend
from stream_app.schemas.failures import FailedEvent
from stream_app.settings.environment import Settings

FAILED = ("failed_event",)


def retake(data_dir: Path, settings: Settings) -> Retaken:
    """Process what can be read and is not late; in the same transaction it ceases to be a failed event.

    Raises:
        StateError: the folder cannot be used.
    """
    with open_replay(data_dir, settings, Metrics()) as (store, _, replay):
        now, privacy = time.time(), build_privacy(settings)
        failing = late = 0
        taken: dict[int, Mended] = {}
        for output in store.outputs_after(0, FAILED):
            record = mend(FailedEvent.model_validate_json(output.body), now, privacy, settings.rules)
            if record is None:
                failing += 1
            elif record.at < replay.watermark_of(record.value):
                late += 1
            else:
                taken[output.sequence] = record
        replay.process([record.value for record in taken.values()], removed_outputs=list(taken))
    return Retaken(len(taken), failing, late)
