"""Which snapshot keys what is stored was made with, so that a key that does not fit is refused at the start.

A key is known by its fingerprint: a hash under the key itself, from which nobody learns the key. It signs
models, and marks erased users and whose an example is. A process with another key could use none of it, and
erased users would come back.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from stream_app.errors import SettingsError

FINGERPRINT_BYTES = 8
_PURPOSE = b"stream-app: fingerprint of a snapshot key"
_encoder = msgspec.json.Encoder()


class KeyUse(msgspec.Struct, frozen=True):
    """A key by its fingerprint, and from when until when it was in use, in epoch seconds; None: to now."""

    fingerprint: str
    since: float
    until: float | None = None


_decoder = msgspec.json.Decoder(list[KeyUse])
KeyHistory = Sequence[KeyUse]
"""The keys in the order of their use, the present one last."""


def fingerprint_of(key: bytes) -> str:
    """By what a key is known again: a keyed hash of a constant, in hex."""
    return hmac.digest(key, _PURPOSE, "sha256")[:FINGERPRINT_BYTES].hex()


def continue_with(
    history: KeyHistory, keys: Sequence[bytes], now: float, row_validity: float, filled: str
) -> list[KeyUse]:
    """The history once these keys are used, the first of them to sign: another one if that is a new key.

    Marks of an erasure last for `row_validity` seconds, and so long is the key needed under which they were
    made. `filled` names in errors what was made with the keys.

    Raises:
        SettingsError: a key that is needed is not among these.
    """
    held = [fingerprint_of(key) for key in keys]
    for use in history:
        if use.fingerprint in held:
            continue
        if use.until is None:
            raise SettingsError(
                f"{filled} was made with another snapshot key (fingerprint {use.fingerprint}): use that key, "
                "or, to replace it, list it in STREAM_APP_EARLIER_SNAPSHOT_KEYS"
            )
        if use.until + row_validity > now:
            raise SettingsError(
                f"users were erased from {filled} under an earlier snapshot key (fingerprint "
                f"{use.fingerprint}): keep it in STREAM_APP_EARLIER_SNAPSHOT_KEYS until "
                f"{needed_until(use, row_validity)}"
            )
    if history and history[-1].fingerprint == held[0]:
        return list(history)
    ended = [msgspec.structs.replace(use, until=now) if use.until is None else use for use in history]
    return [*ended, KeyUse(held[0], now)]


def needed_until(use: KeyUse, row_validity: float) -> str:
    """The day until which a key that is not in use any more is to be kept, in UTC."""
    return f"{datetime.fromtimestamp((use.until or 0.0) + row_validity, UTC):%Y-%m-%d}"


def encode_history(history: KeyHistory) -> bytes:
    """As it is stored."""
    return _encoder.encode(history)


def decode_history(stored: bytes | None) -> list[KeyUse]:
    """As it was stored; empty where nothing was.

    Raises:
        msgspec.MsgspecError: the bytes are none.
    """
    return _decoder.decode(stored) if stored is not None else []
