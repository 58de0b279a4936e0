"""What a company says of a user: traits that can be features, and the control group."""

from __future__ import annotations

from stream_app.features.user_row import MAX_TRAITS, UserRow
from stream_app.intake import properties
from stream_app.intake.personal_text import is_personal
from stream_app.intake.wire import GroupCall, IdentifyCall


def note_traits(row: UserRow, event: IdentifyCall | GroupCall) -> None:
    """Note the traits that an event gives; past `MAX_TRAITS` only known ones change."""
    group = event.traits.get("control_group", event.traits.get("controlGroup"))
    if isinstance(group, str) and len(group) <= properties.MAX_TRAIT_LENGTH and not is_personal(group):
        row.control_group = group
    elif isinstance(group, bool):
        row.control_group = "control" if group else ""
    for name, value in properties.traits_of(event.traits).items():
        if name in row.traits or len(row.traits) < MAX_TRAITS:
            row.traits[name] = value
