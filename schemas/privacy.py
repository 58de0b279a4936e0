"""What is asked about one user's data; what became of it is a `PrivacyReceipt` (`schemas.outputs`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stream_app.schemas.events import Id


class PrivacyRequest(BaseModel):
    """Erase a user: all that is held of them, and all events up to `requested_at` that come again.

    `user_id` is the id as trackers send it; the receipt repeats `request_id`, so that it should name nobody.
    Keyed by the user id, like events. Fields that the contract does not know are passed over.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    request_id: Id
    kind: Literal["erase"] = "erase"
    user_id: Annotated[str, Field(min_length=1, max_length=256)]
    requested_at: AwareDatetime
