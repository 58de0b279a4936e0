"""Chance that is a function of its cause: the same key gives the same draw, on every machine and replay."""

from __future__ import annotations

from hashlib import blake2b


def keyed_share(*parts: str) -> float:
    """A number in [0, 1) for these texts, as good as drawn uniformly."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
