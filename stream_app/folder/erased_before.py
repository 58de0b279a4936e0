"""Erasures made since a data folder was backed up, done again once it is restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stream_app.runtimes.common.erased_before import not_remembered
from stream_app.runtimes.embedded.replay import Replay
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.audit import AuditEntry

LOOKED_AT_FACT = "audit looked at"


class ErasedAgain(NamedTuple):
    """How many erasures the folder did not know, and how many keys of users were there again."""

    erasures: int
    user_keys: int


def catch_up(entries: Sequence[AuditEntry], store: Store, replay: Replay) -> ErasedAgain:
    """Do again what a folder's own log tells behind the entry up to which the folder was looked at."""
    if not entries:
        return ErasedAgain(0, 0)
    looked_at = (store.fact(LOOKED_AT_FACT) or b"").decode()
    places = [place for place, entry in enumerate(entries) if entry.id == looked_at]
    done = erase_again(entries[places[-1] + 1 :] if places else entries, store, replay)
    if entries[-1].id != looked_at:
        store.note(LOOKED_AT_FACT, entries[-1].id.encode())
    return done


def erase_again(entries: Sequence[AuditEntry], store: Store, replay: Replay) -> ErasedAgain:
    """Do all erasures of a log that the folder does not know."""
    remembered: dict[str, float] = {}
    for _, marker, erasure in store.erasures():
        remembered[marker] = max(erasure.until, remembered.get(marker, 0.0))
    missing = not_remembered(entries, remembered)
    return ErasedAgain(len(missing), replay.erase_again(missing) if missing else 0)
