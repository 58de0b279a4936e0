"""A data folder opened to be filled, with its models, as the settings say."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream_app.folder.erased_before import catch_up
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.intake import build_intake
from stream_app.runtimes.common.key_history import (
    KeyUse,
    continue_with,
    decode_history,
    encode_history,
)
from stream_app.runtimes.common.memory import collect_seldom
from stream_app.runtimes.embedded.audit_file import AuditFile, audit_path
from stream_app.runtimes.embedded.folder_keys import folder_keys
from stream_app.runtimes.embedded.learned import LearnedModels
from stream_app.runtimes.embedded.letter_box import LetterBox
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.audit import Act, AuditEntry
from stream_app.settings.environment import Settings

log = logging.getLogger(__name__)
KEYS_FACT = "keys"


def data_keys(data_dir: Path, settings: Settings, may_make: bool = True) -> tuple[bytes, ...]:
    """The secret of a data folder and its earlier ones: the settings' keys, else the folder's own.

    Raises:
        StateError: the folder has none, and may not get one.
    """
    if settings.snapshot_key is not None:
        return settings.snapshot_keys
    return (*folder_keys(data_dir, may_make), *settings.former_snapshot_keys)


def open_audit(data_dir: Path, settings: Settings) -> AuditFile:
    """The audit log of a data folder."""
    return AuditFile(audit_path(data_dir, settings.audit_file))


def key_history(store: Store) -> list[KeyUse]:
    """The keys with which a data folder was filled."""
    return decode_history(store.fact(KEYS_FACT))


@contextmanager
def open_replay(
    data_dir: Path, settings: Settings, metrics: Metrics, partitions: int | None = None
) -> Iterator[tuple[Store, LearnedModels, Replay]]:
    """The folder's store, models and replay; without `partitions` it has as many as it was filled with.

    Erasures that its audit log tells of and that it does not know, as it was restored from a backup, are done
    again first, and privacy requests that waited for somebody to open it are granted.

    Raises:
        StateError: the folder cannot be used.
        SettingsError: it was filled with a key that is not among these.
    """
    with open_as_it_is(data_dir, settings, metrics, partitions) as (store, learned, replay):
        done = catch_up(open_audit(data_dir, settings).read()[0], store, replay)
        if done.erasures:
            log.warning("%d erasures that %s did not know were done again", done.erasures, data_dir)
        LetterBox(data_dir).grant_all(replay.erase)
        yield store, learned, replay


@contextmanager
def open_as_it_is(
    data_dir: Path, settings: Settings, metrics: Metrics, partitions: int | None = None
) -> Iterator[tuple[Store, LearnedModels, Replay]]:
    """As `open_replay`, but nothing that waits is done.

    Raises:
        StateError: the folder cannot be used.
        SettingsError: it was filled with a key that is not among these.
    """
    with Store(data_dir) as store:
        history = key_history(store)
        keys = data_keys(data_dir, settings, may_make=not history)
        continued = continue_with(history, keys, time.time(), settings.row_validity, str(data_dir))
        learned = LearnedModels(
            store,
            keys[0],
            settings.tier_targets,
            metrics,
            time.time,
            settings.surface_rules,
            settings.content_interval,
            keys[1:],
        )
        collect_seldom()
        audit = open_audit(data_dir, settings)
        replay = Replay(
            store,
            learned,
            settings.rules,
            metrics,
            time.time,
            partitions or max(len(store.partitions()), 1),
            settings.hot_rows,
            intake=build_intake(settings, keys),
            write_audit=audit.write,
        )
        if continued != history:
            if history:
                audit.write([_change_of(continued)])
                learned.sign_anew()
                replay.keep()
            store.note(KEYS_FACT, encode_history(continued))
        yield store, learned, replay


def _change_of(continued: list[KeyUse]) -> AuditEntry:
    before, present = continued[-2:]
    return act(Act.KEY_CHANGE, details={"from": before.fingerprint, "to": present.fingerprint})
