"""Erasures that the audit log tells of and restored rows do not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stream_app.schemas.audit import Act, AuditEntry


def not_remembered(entries: Iterable[AuditEntry], remembered: Mapping[str, float]) -> list[tuple[str, float]]:
    """The erasures of a log, by marker and until when, but for those remembered at least until then.

    Times are in epoch seconds.
    """
    logged: dict[str, float] = {}
    for entry in entries:
        if entry.act is Act.ERASURE and entry.subject is not None and entry.until is not None:
            logged[entry.subject] = max(entry.until.timestamp(), logged.get(entry.subject, 0.0))
    return [(marker, until) for marker, until in logged.items() if remembered.get(marker, 0.0) < until]
