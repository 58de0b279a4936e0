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


def unseal(sealed: bytes, name: str, number: int, key: bytes, *earlier_keys: bytes) -> bytes:
    """The bytes that were sealed.

    Raises:
        SnapshotRefused: they were sealed with none of the keys or as something else, or were changed.
    """
    signature, packed = sealed[:SIGNATURE_BYTES], sealed[SIGNATURE_BYTES:]
    if not any(_is_signed(signature, packed, name, number, one) for one in (key, *earlier_keys)):
        raise SnapshotRefused(Refusal.SIGNATURE, f"not signed with our key as {name} {number}")
    return zlib.decompress(packed)


def is_sealed_with(sealed: bytes, name: str, number: int, key: bytes) -> bool:
    """Whether bytes were sealed with this key."""
    return _is_signed(sealed[:SIGNATURE_BYTES], sealed[SIGNATURE_BYTES:], name, number, key)


def _is_signed(signature: bytes, packed: bytes, name: str, number: int, key: bytes) -> bool:
    return hmac.compare_digest(signature, _sign(packed, name, number, key))


def _sign(packed: bytes, name: str, number: int, key: bytes) -> bytes:
    return hmac.digest(key, f"{name}/{number}/".encode() + packed, hashlib.sha256)
