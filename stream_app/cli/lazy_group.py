"""A group of commands that imports a command's module only when it is needed.

The models' libraries take seconds to load; the help, a wrong name and most commands need none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Entry(NamedTuple):
    """A command's location (`module:function`, or a Typer of several) and its line in the help."""

    place: str
    help: str


class LazyGroup(TyperGroup):
    """Lists `entries`, and loads the requested one."""

    entries: Mapping[str, Entry] = {}

    def __init__(self, **attrs: Any) -> None:
        listed = {name: TyperCommand(name, help=entry.help) for name, entry in self.entries.items()}
        super().__init__(**attrs | {"commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command's name, the command and its own arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name, self.entries[name]) if name else None, rest


def load_command(name: str, entry: Entry) -> Any:
    """Import a command, or a group of commands."""
    module, _, attribute = entry.place.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(name)(found)
        found = alone
    return get_command(found)
