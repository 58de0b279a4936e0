"""What every output is made of: its envelope, its source and the model that decided."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class OutputModel(BaseModel):
    """Snake case on the wire; an output never has a field that is not in its contract."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )

    @classmethod
    def of_valid(cls, **values: Any) -> Self:
        """Return an output from values known to satisfy the contract, without validation.

        Fields with a default may be left out.
        """
        made = cls.__new__(cls)
        # The same as pydantic's `model_construct`, without looking for aliases, which no field has.
        object.__setattr__(made, "__dict__", {**_defaults(cls), **values})
        object.__setattr__(made, "__pydantic_fields_set__", set(values))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made

    def encode(self) -> bytes:
        """Return the output as JSON."""
        return _encode(self.__dict__)


@cache
def _defaults(contract: type[OutputModel]) -> dict[str, Any]:
    fields = contract.model_fields.items()
    return {name: field.default for name, field in fields if not field.is_required()}


_encode = msgspec.json.Encoder(enc_hook=vars).encode  # pydantic's encoder takes twice as long


class SourcePosition(OutputModel):
    """The record that caused an output."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class ModelStamp(OutputModel):
    """The model that decided: its name, version and how many examples it had seen."""

    name: str
    version: Annotated[int, Field(ge=0)]
    examples_seen: Annotated[int, Field(ge=0)]
    status: Literal["warming_up", "ready"]


class Envelope(OutputModel):
    """What every output carries.

    `id` is a function of the output's cause, so a repeat after a crash has the same id and can be dropped.
    `as_of` is event time; `emitted_at` is wall time and the only field that a replay changes.
    """

    schema_version: Literal[1] = 1
    id: str
    user_key: str | None
    as_of: AwareDatetime
    emitted_at: AwareDatetime
    source: SourcePosition
    model: ModelStamp | None = None


class Addressed(Envelope):
    """An output meant for acting on a user: it carries their consent and control group."""

    consent: list[Literal["analytics", "personalisation", "marketing"]]
    control_group: str | None
