"""Whose an example is, and whether it is kept where room is short: by hashes with a key of the operator's."""

from __future__ import annotations

import hashlib

from stream_app.models.online.sample import NOBODY, Mark


class Marker:
    """Marks examples. Without the key nobody can tell whose they are, nor choose which are kept."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(key).digest()

    def owner(self, user_key: str | None) -> int:
        """The user as examples name them, of 64 bits; `NOBODY` where an example is of no user."""
        return NOBODY if user_key is None else max(self._hash(b"owner", user_key), NOBODY + 1)

    def mark(self, user_key: str | None, example_id: str) -> Mark:
        """The mark of an example; the same for one that comes again."""
        return Mark(self.owner(user_key), self._hash(b"priority", example_id))

    def _hash(self, purpose: bytes, text: str) -> int:
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=self._key, person=purpose)
        return int.from_bytes(digest.digest(), "big")
