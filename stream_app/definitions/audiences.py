"""Audiences: users of whom a condition holds, entered and left over time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stream_app.definitions.conditions import Condition
from stream_app.definitions.events import Definition
from stream_app.definitions.features import Name


class AudienceDefinition(Definition):
    """An audience. Its version follows from its condition: a new name or sentence changes nothing."""

    name: Name = Field(description="Small letters, digits and _.")
    about: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="Who they are.")
    when: Condition = Field(description="The condition that holds of its members.")
