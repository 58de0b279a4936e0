"""Entries of the audit log. Where they are written is for a runtime to say."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from stream_app.intake.ports import Privacy
from stream_app.schemas.audit import Act, AuditEntry
from stream_app.schemas.envelopes import Cause, output_id
from stream_app.schemas.outputs import Output, PrivacyReceipt, UserErased

WriteAudit = Callable[[Sequence[AuditEntry]], None]
LONGEST_ACTOR = 256


def write_nowhere(_: Sequence[AuditEntry]) -> None:
    """The audit log of somebody who keeps none."""


def this_actor() -> str:
    """Whoever runs this process, as `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:LONGEST_ACTOR]


def act(
    kind: Act,
    subject: str | None = None,
    *,
    until: datetime | None = None,
    request_id: str | None = None,
    details: Mapping[str, str] | None = None,
) -> AuditEntry:
    """An act that is done now, by whoever runs this process."""
    return AuditEntry(
        id=uuid4().hex,
        at=datetime.now(UTC),
        act=kind,
        actor=this_actor(),
        subject=subject,
        until=until,
        request_id=request_id,
        details=dict(details or {}),
    )


def erasures_among(outputs: Iterable[Output], privacy: Privacy, actor: str) -> Iterator[AuditEntry]:
    """The entries of users that were erased; one that is repeated after a crash has the same id."""
    made = list(outputs)
    requests = {_cause_of(output): output.request_id for output in made if isinstance(output, PrivacyReceipt)}
    for output in made:
        if isinstance(output, UserErased) and output.user_key is not None:
            cause = _cause_of(output)
            yield AuditEntry(
                id=output_id("audit_entry", cause, output.user_key),
                at=output.emitted_at,
                act=Act.ERASURE,
                actor=actor,
                subject=privacy.marker(output.user_key),
                until=output.as_of,
                request_id=requests.get(cause),
            )


def _cause_of(output: Output) -> Cause:
    return Cause(output.source.topic, output.source.partition, output.source.offset)
