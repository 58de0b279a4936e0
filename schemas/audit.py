"""Acts that concern people's data or the keys to it, one entry each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from stream_app.schemas.events import Id
from stream_app.schemas.output_model import OutputModel


class Act(StrEnum):
    """What was done."""

    ERASURE_REQUEST = "erasure_request"
    ERASURE = "erasure"
    ERASURE_REPLAY = "erasure_replay"
    EXPORT = "export"
    KEY_CHANGE = "key_change"
    POSITIONS_RESET = "positions_reset"


class AuditEntry(OutputModel):
    """An act, when and by whom. It names a user by a keyed hash alone, the `subject` of receipts.

    `until` is that of an erasure: events up to it are dropped. An erasure has an entry for each of the user's
    keys that was erased; `request_id` is that of the request where it asked for this key.
    """

    schema_version: Literal[1] = 1
    schema_name: Literal["audit_entry"] = "audit_entry"
    id: str
    at: AwareDatetime
    act: Act
    actor: Annotated[str, Field(min_length=1, max_length=256)]
    subject: str | None = None
    until: AwareDatetime | None = None
    request_id: Id | None = None
    details: dict[str, str] = {}
