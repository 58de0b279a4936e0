"""Compressed bytes that only a holder of the key can have written.

signature  32 bytes  HMAC-SHA256 (RFC 2104) over what the bytes are said to be, and the rest
rest                 zlib-compressed bytes
"""

from __future__ import annotations

import hashlib
import hmac
import zlib

from stream_app.models.snapshot import SIGNATURE_BYTES, Refusal, SnapshotRefused


def seal(data: bytes, name: str, number: int, key: bytes) -> bytes:
    """Pack and sign version `number` of `name`."""
    packed = zlib.compress(data, level=1)
    return _sign(packed, name, number, key) + packed


def unseal(sealed: bytes, name: str, number: int, key: bytes) -> bytes:
    """The bytes that were sealed.

    Raises:
        SnapshotRefused: they were sealed with another key or as something else, or were changed.
    """
    signature, packed = sealed[:SIGNATURE_BYTES], sealed[SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(packed, name, number, key)):
        raise SnapshotRefused(Refusal.SIGNATURE, f"not signed with our key as {name} {number}")
    return zlib.decompress(packed)


def _sign(packed: bytes, name: str, number: int, key: bytes) -> bytes:
    return hmac.digest(key, f"{name}/{number}/".encode() + packed, hashlib.sha256)
