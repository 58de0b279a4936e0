"""The definitions that a setting names, read once for as long as their file stays as it is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from stream_app.core.audience_checks import check_audiences
from stream_app.definitions.file import Definitions, DefinitionsError, read_definitions
from stream_app.errors import SettingsError
from stream_app.features.declared.checking import check_definitions


def load_definitions(path: Path, session_gap: float, limit: int) -> Definitions:
    """The definitions of a file, of which declared features may take `limit` bytes of a row.

    Raises:
        SettingsError: the file cannot be read, or something in it is wrong.
    """
    try:
        state = path.stat()
        return _load(path, state.st_mtime_ns, state.st_size, session_gap, limit)
    except OSError as error:
        raise SettingsError(f"definitions {path} cannot be read: {error.strerror}") from None
    except DefinitionsError as error:
        first, *others = error.mistakes
        more = f" (and {len(others)} more)" if others else ""
        advice = f"`stream-app definitions check {path}` names every mistake"
        raise SettingsError(f"{path}: {first}{more}; {advice}") from None


@lru_cache(maxsize=8)
def _load(path: Path, _modified_at: int, _size: int, session_gap: float, limit: int) -> Definitions:
    return check_audiences(check_definitions(read_definitions(path, session_gap), limit))
