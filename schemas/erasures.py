"""Users erased: what other processes must delete or unlearn, and the receipt of a request."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from stream_app.schemas.events import Id
from stream_app.schemas.output_model import Envelope, OutputModel


class UserErased(Envelope):
    """A user whose data was erased: whoever keeps any of it is to delete it. `as_of` is until when."""

    schema_name: Literal["user_erased"] = "user_erased"


class StoreErasure(OutputModel):
    """What an erasure came to in one store, with counts of what was removed by kind.

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
    """A user was erased: the trainer is to take their examples out and have its models learn without them.

    `request_id` and `subject` are those of the request that asked for it; null where another row's did.
    """

    schema_name: Literal["unlearning"] = "unlearning"
    request_id: Id | None
    subject: str | None


class ModelErasure(OutputModel):
    """A model that learned without a user: of so many examples, from this snapshot's training offset on."""

    model: str
    examples: Annotated[int, Field(ge=0)]
    training_offset: Annotated[int, Field(ge=-1)]


class PrivacyReceipt(Envelope):
    """The answer to a privacy request. It names the user by a keyed hash alone: `user_key` is null.

    Events of the user up to `as_of` are dropped from now on, whenever they come again. A second receipt of
    the same request names the `models` and from which of their snapshots on nothing of the user is left.
    """

    schema_name: Literal["privacy_receipt"] = "privacy_receipt"
    request_id: Id
    kind: Literal["erase"]
    subject: str
    stores: list[StoreErasure]
    models: list[ModelErasure] = []
