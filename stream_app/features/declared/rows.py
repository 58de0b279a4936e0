"""Declared features in a user's row: brought up to date by an event, joined with another row's, read."""

from __future__ import annotations

from stream_app.definitions.file import Definitions
from stream_app.features.declared.engine import engine_of
from stream_app.features.user_row import UserRow
from stream_app.intake.use import use_of
from stream_app.intake.wire import Event


def note_event(row: UserRow, event: Event, at: float, is_first: bool, definitions: Definitions) -> None:
    """Count an event of event time `at`, which the row has just taken in; `is_first`: it has no other.

    Where nothing is declared, what others declared is dropped: it would miss this event.
    """
    if not definitions.features:
        row.declared = None
        return
    engine = engine_of(definitions)
    row.declared = engine.follow(row.declared, None if is_first else row.seen_at)
    use = use_of(event, at)
    if use is not None:
        engine.apply(row.declared, use)


def join(row: UserRow, other: UserRow, definitions: Definitions) -> None:
    """Take in the declared features of another row of the same user, before anything else of it."""
    if not definitions.features:
        row.declared = None
        return
    if not other.kinds:
        return
    engine = engine_of(definitions)
    row.declared = engine.follow(row.declared, row.seen_at if row.kinds else None)
    engine.merge(row.declared, engine.follow(other.declared, other.seen_at))
