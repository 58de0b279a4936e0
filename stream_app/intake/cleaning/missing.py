"""Text that stands for a missing value."""

from __future__ import annotations

MISSING = frozenset({"", "unknown", "null", "(not set)", "undefined", "none"})


def present(text: str | None, longest: int) -> str:
    """The text without surrounding spaces, at most `longest` characters; empty if it counts as missing.

    A lone surrogate, which cannot be encoded in UTF-8, becomes a question mark.
    """
    if not text:
        return ""
    stripped = text[:longest].strip()
    if stripped.casefold() in MISSING:
        return ""
    return stripped if stripped.isascii() else stripped.encode("utf-8", "replace").decode("utf-8")
