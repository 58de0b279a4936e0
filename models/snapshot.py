"""Snapshots: a model as bytes that are verified before anything in them is trusted.

    magic      8 bytes   b"SAPPMODL"
    length     4 bytes   of the header, big-endian
    header     JSON      the fields of `Header`, keys sorted
    signature  32 bytes  HMAC-SHA256 (RFC 2104) over all of the above and the payload
    payload              zlib-compressed pickle, read only after the signature has been verified

A snapshot is read only by the library versions that wrote it: neither River nor scikit-learn promises that a
pickle survives an upgrade.
"""

import hashlib
import hmac
import pickle
import platform
import zlib
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version

import msgspec

from stream_app.models.learning import AnyModel

MAGIC = b"SAPPMODL"
FORMAT_VERSION = 4
LIBRARIES = ("numpy", "river", "scikit-learn")
SIGNATURE_BYTES = hashlib.sha256().digest_size
PICKLE_PROTOCOL = 5


class Refusal(StrEnum):
    """Why a snapshot was not loaded; a metric's label."""

    TRUNCATED = "truncated"
    MAGIC = "magic"
    HEADER = "header"
    FORMAT_VERSION = "format_version"
    CHECKSUM = "checksum"
    SIGNATURE = "signature"
    LIBRARY_VERSIONS = "library_versions"


class SnapshotRefused(Exception):  # noqa: N818  # names what happened, as callers count it
    """The snapshot must not be loaded; `reason` says why."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says about itself."""

    format_version: int
    model: str
    model_version: int
    examples_seen: int
    training_offset: int  # of the last example learned from the training topic
    features: list[str]
    libraries: dict[str, str]
    checksum: str  # SHA-256 of the payload, in hex
    created_at: datetime  # UTC


def dump(model: AnyModel, key: bytes, training_offset: int, created_at: datetime) -> bytes:
    """Return the model as an authenticated snapshot that contains examples up to `training_offset`."""
    payload = zlib.compress(pickle.dumps(model, PICKLE_PROTOCOL), level=1)
    header = Header(
        format_version=FORMAT_VERSION,
        model=model.name,
        model_version=model.version,
        examples_seen=model.examples_seen,
        training_offset=training_offset,
        features=list(model.features),
        libraries=library_versions(),
        checksum=hashlib.sha256(payload).hexdigest(),
        created_at=created_at,
    )
    encoded = msgspec.json.encode(header, order="sorted")
    head = MAGIC + len(encoded).to_bytes(4, "big") + encoded
    return head + _sign(head, payload, key) + payload


def load(data: bytes, key: bytes, *earlier_keys: bytes) -> tuple[AnyModel, Header]:
    """Return the model and its header.

    Raises SnapshotRefused before any byte is unpickled when the snapshot is damaged, was signed with none of
    the keys, or was written by another format or other library versions.
    """
    header, head, signature, payload = _split(data)
    if header.format_version != FORMAT_VERSION:
        raise SnapshotRefused(Refusal.FORMAT_VERSION, f"{header.format_version}, expected {FORMAT_VERSION}")
    if hashlib.sha256(payload).hexdigest() != header.checksum:
        raise SnapshotRefused(Refusal.CHECKSUM, "payload does not match the header's checksum")
    if not any(hmac.compare_digest(signature, _sign(head, payload, one)) for one in (key, *earlier_keys)):
        raise SnapshotRefused(Refusal.SIGNATURE, "not signed with this key")
    if header.libraries != library_versions():
        raise SnapshotRefused(Refusal.LIBRARY_VERSIONS, f"{header.libraries}, here {library_versions()}")
    model: AnyModel = pickle.loads(zlib.decompress(payload))
    return model, header


def is_signed_with(data: bytes, key: bytes) -> bool:
    """Whether a snapshot is signed with this key; raises SnapshotRefused where it is none."""
    _, head, signature, payload = _split(data)
    return hmac.compare_digest(signature, _sign(head, payload, key))


def read_header(data: bytes) -> Header:
    """Return what the snapshot says about itself, unverified: for display only."""
    return _split(data)[0]


def library_versions() -> dict[str, str]:
    """Return the versions that a pickled model depends on, Python's included."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _split(data: bytes) -> tuple[Header, bytes, bytes, bytes]:
    """Return the header, the signed bytes before the signature, the signature and the payload."""
    start = len(MAGIC) + 4
    if data[: len(MAGIC)] != MAGIC[: len(data)]:
        raise SnapshotRefused(Refusal.MAGIC, "does not begin as a snapshot")
    header_end = start + int.from_bytes(data[len(MAGIC) : start], "big")
    payload_start = header_end + SIGNATURE_BYTES
    if len(data) < start or len(data) <= payload_start:
        raise SnapshotRefused(Refusal.TRUNCATED, f"{len(data)} bytes")
    try:
        header = msgspec.json.decode(data[start:header_end], type=Header)
    except msgspec.MsgspecError as error:
        raise SnapshotRefused(Refusal.HEADER, str(error)) from error
    return header, data[:header_end], data[header_end:payload_start], data[payload_start:]


def _sign(head: bytes, payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, head + payload, "sha256")
