"""Which texts say that nothing is known."""

from __future__ import annotations

MISSING = frozenset({"", "unknown", "null", "(not set)", "undefined", "none"})


def present(text: str | None, longest: int) -> str:
    """The text without surrounding space, at most `longest` characters; empty where it counts as missing.

    Half of a surrogate pair, which no UTF-8 encoder takes, becomes a question mark.
    """
    if not text:
        return ""
    stripped = text[:longest].strip()
    if stripped.casefold() in MISSING:
        return ""
    return stripped if stripped.isascii() else stripped.encode("utf-8", "replace").decode("utf-8")
