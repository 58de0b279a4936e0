"""Settings read from `STREAM_APP_*` in the environment and from `--set NAME=VALUE`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import ValidationError

from stream_app.errors import SettingsError
from stream_app.settings.environment import PREFIX, Settings


def load_settings(flags: Sequence[str] = ()) -> Settings:
    """Read the environment and `NAME=VALUE` flags.

    Raises:
        SettingsError: a name is unknown or a value invalid; the message says what to write.
    """
    names = set(Settings.model_fields)
    for variable in os.environ:
        name = variable.upper()
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in names:
            raise SettingsError(_unknown(name, [PREFIX + name.upper() for name in names]))
    values: dict[str, str] = {}
    for flag in flags:
        name, equals, value = flag.partition("=")
        if not equals:
            raise SettingsError(f"--set {flag}: write --set NAME=VALUE")
        if name not in names:
            raise SettingsError(_unknown(name, list(names)))
        values[name] = value
    try:
        return Settings(**values)  # type: ignore[arg-type]  # pydantic converts the texts
    except ValidationError as error:
        raise SettingsError(_describe(error)) from None


def _unknown(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "`stream-app settings` lists all"
    return f"{name} is not a setting: {hint}"


def _describe(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    meaning = f" ({field.description})" if field else ""
    given = (
        ""
        if name
        in {
            *("kafka_password", "snapshot_key", "earlier_snapshot_keys", "privacy_keys"),
            *("write_keys", "server_keys", "api_keys"),
        }
        else f" {problem['input']!r}"
    )
    return f"{name}{given}: {problem['msg'].lower()}{meaning}; set {PREFIX}{name.upper()} or --set {name}=..."
