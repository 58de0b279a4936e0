"""Erases a user from one partition, and notifies everyone who holds more of their data."""

from __future__ import annotations

from stream_app.core import identity, outputs
from stream_app.core.erasures import Erasure, count_contents
from stream_app.core.identity_messages import EraseAgain, Forget
from stream_app.core.workspace import Workspace
from stream_app.features.user_row import UserRow
from stream_app.intake.ports import Privacy
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.privacy import PrivacyRequest


def grant(workspace: Workspace, request: PrivacyRequest, cause: Cause, privacy: Privacy) -> None:
    """Erase the user under every known key, and answer with a receipt."""
    until = request.requested_at.timestamp()
    user_keys = privacy.user_keys(request.user_id)
    erasures = [erase(workspace, user_key, until, cause, privacy) for user_key in user_keys]
    subject = privacy.marker(user_keys[0])
    workspace.emit(outputs.build_receipt(request, subject, erasures, cause, workspace.now))


def forget(workspace: Workspace, message: Forget, cause: Cause, privacy: Privacy) -> None:
    """Erase a row that belongs to an erased one, unless it belongs to somebody else or is already gone."""
    row = workspace.row(message.key)
    known = workspace.partition.erasures.find(message.key, privacy)
    is_repeat = known is not None and known.cause == _position(cause)
    if is_repeat or (known is None if row is None else identity.belongs(row, message)):
        erase(workspace, message.key, message.until, cause, privacy)


def erase_again(workspace: Workspace, message: EraseAgain, cause: Cause, privacy: Privacy) -> None:
    """Erase whoever is there again and was erased before, and remember all these erasures.

    Users whose erasure is remembered here stay: what is held of them came after it.
    """
    partition, wanted = workspace.partition, dict(message.erasures)
    for user_key in partition.user_keys():
        until = max((wanted[mark] for mark in privacy.markers(user_key) if mark in wanted), default=None)
        known = partition.erasures.find(user_key, privacy)
        if until is not None and (known is None or known.until < until):
            erase(workspace, user_key, until, cause, privacy)
    for marker, until in wanted.items():
        known = partition.erasures.get(marker)
        if known is None or known.until < until:
            again = Erasure(until, _position(cause), {})
            partition.erasures.add(marker, again)
            workspace.put_erasure(marker, again)


def erase(workspace: Workspace, user_key: str, until: float, cause: Cause, privacy: Privacy) -> Erasure:
    """Remove a row, and from now on drop events up to `until` (epoch seconds)."""
    partition = workspace.partition
    marker = privacy.marker(user_key)
    row = workspace.row(user_key)
    known = partition.erasures.find(user_key, privacy)
    erasure = decide_erasure(row, known, until, cause)
    if erasure is not partition.erasures.get(marker):
        partition.erasures.add(marker, erasure)
    workspace.put_erasure(marker, erasure)
    if row is not None:
        workspace.send(identity.forget(user_key, row, until, cause))
        partition.drop_user(user_key)
        workspace.remove_row(user_key, "erased")
    workspace.emit(outputs.build_user_erased(user_key, erasure.until, cause, workspace.now))
    return erasure


def decide_erasure(row: UserRow | None, known: Erasure | None, until: float, cause: Cause) -> Erasure:
    """Until when a user is erased, and what was removed; a repeated request gets its first answer."""
    position = _position(cause)
    if known is not None and known.cause == position:
        return known
    # What was removed must not come back, even if it is newer than the request.
    newest = max(until, row.seen_at if row else 0.0, known.until if known else 0.0)
    return Erasure(newest, position, count_contents(row) if row else {})


def _position(cause: Cause) -> str:
    return f"{cause.topic}/{cause.offset}"
