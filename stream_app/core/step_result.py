"""The result of the step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stream_app.core.erasures import Erasure
from stream_app.core.identity_messages import Sent
from stream_app.features.user_row import UserRow
from stream_app.schemas.outputs import Output


@dataclass
class StepResult:
    """The result of a batch.

    `rows` are to be written, None to be deleted. `events` counts (type, outcome); a failed record's type is
    unknown. `placeholders` counts ids that stood for nothing, by field; `dropped_fields` counts fields of
    events that could not be read; `refused_claims` counts ids that a claimant did not get, `removed` rows,
    both by why. `erasures` are by marker, to be written or, None, to be deleted. `sent` are messages for
    other rows, to be sent in their order before the rows are written; `sent_after` once they are.
    `forgotten_ids` counts events whose repeats would count again: their users sent more within the
    allowed lateness than a row remembers. `bounded` counts what a row had no room for, by part.
    """

    rows: dict[str, UserRow | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    dropped_fields: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    erasures: dict[str, Erasure | None] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    sent_after: list[Sent] = field(default_factory=list)
    placeholders: Counter[str] = field(default_factory=Counter)
    refused_claims: Counter[str] = field(default_factory=Counter)
    bounded: Counter[str] = field(default_factory=Counter)
    new_users: int = 0
    forgotten_ids: int = 0
