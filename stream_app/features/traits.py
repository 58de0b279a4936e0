"""What a company states about a user: traits that can be features, and the control group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stream_app.features.user_row import MAX_TRAITS, UserRow
from stream_app.intake import properties
from stream_app.intake.personal_text import is_personal
from stream_app.intake.wire import CallContext


def note_context_traits(row: UserRow, context: CallContext) -> None:
    """Record the traits sent with an event, and those that count only until a trait is known."""
    if isinstance(context.traits, dict):
        note_traits(row, context.traits)
    if isinstance(context.traits_once, dict):
        note_traits(
            row, {name: value for name, value in context.traits_once.items() if name not in row.traits}
        )


def note_traits(row: UserRow, traits: Mapping[str, Any]) -> None:
    """Record traits; beyond `MAX_TRAITS` only known ones change."""
    group = traits.get("control_group", traits.get("controlGroup"))
    if isinstance(group, str) and len(group) <= properties.MAX_TRAIT_LENGTH and not is_personal(group):
        row.control_group = group
    elif isinstance(group, bool):
        row.control_group = "control" if group else ""
    for name, value in properties.traits_of(traits).items():
        if name in row.traits or len(row.traits) < MAX_TRAITS:
            row.traits[name] = value
