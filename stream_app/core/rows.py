"""How the core reads the rows of one partition, wherever they are stored."""

from __future__ import annotations

from typing import Protocol

from stream_app.features.user_row import UserRow


class UserRows(Protocol):
    """The rows of one partition. The core owns a returned row until the runtime writes it back."""

    def get(self, user_key: str) -> UserRow | None:
        """The user's row, or None if there is none."""
