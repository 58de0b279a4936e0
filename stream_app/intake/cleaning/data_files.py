"""The lists and tables that the package ships in its `data` folder."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

_FOLDER = files("stream_app.intake.cleaning") / "data"


def read_text(name: str) -> str:
    """The content of a shipped file, such as `taxonomy.toml`."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def read_table(name: str) -> dict[str, Any]:
    """A shipped TOML file."""
    return tomllib.loads(read_text(name))


def read_stop_words() -> dict[str, frozenset[str]]:
    """The stop words of each language, by ISO 639-1 code."""
    languages = [entry.name for entry in (_FOLDER / "stop_words").iterdir() if entry.name.endswith(".txt")]
    return {
        name.removesuffix(".txt"): frozenset(_without_comments(read_text(f"stop_words/{name}")))
        for name in sorted(languages)
    }


def _without_comments(text: str) -> list[str]:
    return [word for line in text.splitlines() for word in line.partition("#")[0].split()]
