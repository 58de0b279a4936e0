"""Deterministic identifiers: the same cause gives the same id, on every machine and in every replay."""

from __future__ import annotations

from hashlib import blake2b

from schemas.outputs import SourcePosition


def output_id(kind: str, source: SourcePosition, moment: str = "") -> str:
    """32 hex digits for one kind of output of one record; `moment` tells apart several of a kind."""
    cause = f"{kind}\x1f{source.topic}\x1f{source.partition}\x1f{source.offset}\x1f{moment}"
    return blake2b(cause.encode(), digest_size=16).hexdigest()


def message_fingerprint(message_id: str) -> int:
    """63 bits of a message id's hash: what a row remembers of it."""
    return int.from_bytes(blake2b(message_id.encode(), digest_size=8).digest(), "big") >> 1
