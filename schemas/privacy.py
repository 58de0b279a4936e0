"""Requests about one user's data, answered by a `PrivacyReceipt` (`schemas.outputs`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stream_app.schemas.events import Id


class PrivacyRequest(BaseModel):
    """Erase a user: all stored data, and all events up to `requested_at` that arrive later.

    `user_id` is the id as trackers send it. `request_id` should not identify the user, because the receipt
    repeats it. Keyed by the user id, like events. Unknown fields are ignored.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    request_id: Id
    kind: Literal["erase"] = "erase"
    user_id: Annotated[str, Field(min_length=1, max_length=256)]
    requested_at: AwareDatetime
