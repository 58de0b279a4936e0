"""Marks examples with their owner and sampling priority, as hashes with the operator's key."""

from __future__ import annotations

import hashlib

from stream_app.models.online.sample import NOBODY, Mark


class Marker:
    """Marks examples. Without the key nobody can tell whose they are, or influence which are kept.

    Examples that were marked under `earlier_keys` are still known to be their users'.
    """

    def __init__(self, key: bytes, *earlier_keys: bytes) -> None:
        self._keys = [hashlib.sha256(one).digest() for one in (key, *earlier_keys)]

    def owner(self, user_key: str | None) -> int:
        """The 64-bit digest of an example's user; `NOBODY` for an example without one."""
        return NOBODY if user_key is None else self._owner(user_key, self._keys[0])

    def owners(self, user_key: str) -> set[int]:
        """The user as examples name them that were marked under any of the keys."""
        return {self._owner(user_key, key) for key in self._keys}

    def mark(self, user_key: str | None, example_id: str) -> Mark:
        """The mark of an example; repeats have the same mark."""
        return Mark(self.owner(user_key), _hash(b"priority", example_id, self._keys[0]))

    def _owner(self, user_key: str, key: bytes) -> int:
        return max(_hash(b"owner", user_key, key), NOBODY + 1)


def _hash(purpose: bytes, text: str, key: bytes) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8, key=key, person=purpose)
    return int.from_bytes(digest.digest(), "big")
