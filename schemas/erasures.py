"""Users erased: what other processes must delete or unlearn, and the receipt of a request."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from stream_app.schemas.events import Id
from stream_app.schemas.output_model import Envelope, OutputModel


class UserErased(Envelope):
    """A user's data up to `as_of` was erased: whoever keeps any of it must delete it."""

    schema_name: Literal["user_erased"] = "user_erased"


class StoreErasure(OutputModel):
    """The result of an erasure in one store, with counts of what was removed, by kind.

    `removed`: it is gone. `announced`: whoever holds it was told to remove it. `expires`: it goes within
    `expires_within` seconds by the topic's retention, on the day `gone_by` (UTC) at the latest; both are null
    where the topic keeps its records for ever. `anonymous`: nothing in it names a user. `elsewhere`: it is
    not ours to remove.
    """

    store: str
    state: Literal["removed", "announced", "expires", "anonymous", "elsewhere"]
    removed: dict[str, Annotated[int, Field(ge=0)]] = {}
    expires_within: int | None = None
    gone_by: date | None = None


class Unlearning(Envelope):
    """A user was erased: the trainer must remove their examples and relearn its models without them.

    `request_id` and `subject` are those of the request; null if the request was for another of the user's
    rows.
    """

    schema_name: Literal["unlearning"] = "unlearning"
    request_id: Id | None
    subject: str | None


class ModelErasure(OutputModel):
    """A model relearned without a user: its examples, and the training offset of its first such snapshot."""

    model: str
    examples: Annotated[int, Field(ge=0)]
    training_offset: Annotated[int, Field(ge=-1)]


class PrivacyReceipt(Envelope):
    """The answer to a privacy request. It names the user only by a keyed hash: `user_key` is null.

    From now on, events of the user up to `as_of` are dropped, whenever they arrive. A second receipt of the
    same request names the `models`, and the first snapshot of each without the user.
    """

    schema_name: Literal["privacy_receipt"] = "privacy_receipt"
    request_id: Id
    kind: Literal["erase"]
    subject: str
    stores: list[StoreErasure]
    models: list[ModelErasure] = []
