"""How the core reaches the rows of one partition, whoever stores them."""

from __future__ import annotations

from typing import Protocol

from stream_app.features.user_row import UserRow


class UserRows(Protocol):
    """The rows of one partition. The core owns what it is given until the shell writes it back."""

    def get(self, user_key: str) -> UserRow | None:
        """The user's row, or None for a user that is not held."""
