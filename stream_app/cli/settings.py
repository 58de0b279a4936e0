"""`settings`: every setting with its value and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from rich.table import Table

from stream_app.cli.options import AsJson, SetOption, console

if TYPE_CHECKING:
    pass


def settings(as_json: AsJson = False, flags: SetOption = None) -> None:
    """List every setting with its present value; secrets stay hidden."""
    from stream_app.settings.environment import PREFIX, Settings
    from stream_app.settings.loading import load_settings

    present = load_settings(flags or ())
    values = {name: _shown(getattr(present, name)) for name in Settings.model_fields}
    if as_json:
        console.file.write(orjson.dumps(values).decode() + "\n")
        return
    table = Table("environment variable", "value", "meaning")
    for name, field in Settings.model_fields.items():
        table.add_row(PREFIX + name.upper(), values[name], field.description)
    console.print(table)


def _shown(value: object) -> str:
    from pydantic import SecretStr

    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "(set)"
    return ",".join(value) if isinstance(value, tuple) else str(value)
