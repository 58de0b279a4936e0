"""Audiences entered and left: told at once, settled by the watermark, corrected where an event contradicts.

What an event shows is told with it, provisionally. A change that was told and turns out not to be is
corrected under its `change_id`. Of history only what is settled is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from stream_app.conditions.state import Told
from stream_app.conditions.watch import Change, Watch
from stream_app.core import outputs
from stream_app.core.outputs import Said
from stream_app.core.watching import age, cause_number, cause_of_number, follow, standing, told_of, watch_of
from stream_app.core.workspace import Workspace
from stream_app.features.user_row import UserRow
from stream_app.schemas.envelopes import Cause

CONTRADICTED = ("an event that came late says otherwise",)


def tell(workspace: Workspace, user_key: str, row: UserRow, *, ahead_until: float | None) -> None:
    """Settle what the watermark has passed, tell what is new, and schedule what comes next.

    `ahead_until` is the event time up to which is told what may still be contradicted; None: nothing of it.
    """
    watch, audiences = watch_of(workspace.rules.definitions), follow(row, workspace.rules)
    state, told = audiences.watch, {change.what: change for change in audiences.told}
    until = max(workspace.partition.watermark, watch.crowded_until(state))
    settled = _by_what(watch, watch.settle(state, until))
    for change in audiences.unsaid:
        settled.setdefault(change.what, (change, ()))
    horizon = max(ahead_until or 0.0, *(change.at for change in told.values()), 0.0)
    foreseen, next_at = watch.look_ahead(state, horizon)
    ahead = _by_what(watch, foreseen)
    for what, change in told.items():
        if what not in settled and what not in ahead:
            _emit(workspace, user_key, row, Said(change, CONTRADICTED, is_corrected=True))
    for what, (change, because) in settled.items():
        if what not in told:
            _emit(workspace, user_key, row, Said(change, because))
    kept: list[Told] = []
    for what, (change, because) in ahead.items():
        if what in told:
            kept.append(told[what])
        elif ahead_until is not None and change.at <= horizon:
            _emit(workspace, user_key, row, Said(change, because, is_final=False))
            kept.append(change)
    known = {change.what for change in kept}
    untold = [change.at for what, (change, _) in ahead.items() if what not in known]
    audiences.told = kept
    audiences.unsaid = []
    due = min([*untold, next_at, audiences.ages_at or inf])
    audiences.due_at = due if due < inf else 0.0
    workspace.put_row(user_key, row)
    workspace.partition.schedule_audiences(user_key, row)


def tell_due(workspace: Workspace, until: float, *, ahead: bool) -> None:
    """Tell what time has changed by `until`: by the watermark for good, else (`ahead`) by the clock."""
    if not workspace.rules.definitions.audiences:
        return
    for user_key in sorted(workspace.partition.audiences.pop_due(until)):
        row = workspace.row(user_key)
        if row is not None and row.audiences is not None:
            age(row, until, workspace.rules)
            tell(workspace, user_key, row, ahead_until=until if ahead else None)


def tell_leaving(workspace: Workspace, user_key: str, row: UserRow, cause: Cause, why: str) -> None:
    """Tell that a user whose row ends here leaves all audiences, at their last event."""
    if row.audiences is None or not workspace.rules.definitions.audiences:
        return
    for version in sorted(standing(row)):
        left = Told(row.seen_at, version, False, cause_number(cause))
        _emit(workspace, user_key, row, Said(left, (why,)))


def _by_what(
    watch: Watch, changes: Iterable[Change]
) -> dict[tuple[float, int, bool], tuple[Told, tuple[str, ...]]]:
    """Changes by what they are, each with its reasons."""
    remembered = ((told_of(change, watch), change.because) for change in changes)
    return {change.what: (change, because) for change, because in remembered}


def _emit(workspace: Workspace, user_key: str, row: UserRow, said: Said) -> None:
    change = said.change
    name = watch_of(workspace.rules.definitions).name_of(change.version)
    if not row.is_bot and name is not None:
        cause = cause_of_number(change.cause, workspace.partition.number)
        workspace.emit(outputs.build_audience_change(user_key, name, said, cause, workspace.now))
