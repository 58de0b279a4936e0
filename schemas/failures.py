"""Inputs that could not be processed, with the reason."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from stream_app.schemas.output_model import Envelope, OutputModel


class FailureReason(StrEnum):
    """Why an input could not be processed."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    TOO_DEEP = "too_deep"
    NOT_AN_OBJECT = "not_an_object"
    UNREADABLE_FORM = "unreadable_form"
    SEVERAL_EVENTS = "several_events"
    UNKNOWN_TYPE = "unknown_type"
    CONTRACT = "contract"
    MISSING_USER = "missing_user"
    UNTRUSTED = "untrusted"
    MISSING_TIME = "missing_time"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    LATE = "late"
    UNPROCESSABLE = "unprocessable"
    TOO_LARGE_OUTPUT = "too_large_output"


class CutBytes(OutputModel):
    """Something too long to be kept whole: its length in bytes and its SHA-256 in hex, before it was cut."""

    length: Annotated[int, Field(ge=0)]
    sha256: str


KEPT_KEY_BYTES = 1_024
KEPT_ORIGINAL_BYTES = 1_048_576


class FailedEvent(Envelope):
    """An input that could not be processed, with its original bytes and a typed reason.

    In JSON the bytes are URL-safe base64 (RFC 4648, section 5). `original` is null only if the input itself
    was a null value. A key longer than `KEPT_KEY_BYTES` and an original longer than `KEPT_ORIGINAL_BYTES` are
    cut to that length, and described in `key_cut` and `original_cut`. Of a record that repeatedly stopped a
    worker, no original bytes are kept.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    schema_name: Literal["failed_event"] = "failed_event"
    reason: FailureReason
    detail: str
    key: bytes | None
    original: bytes | None
    key_cut: CutBytes | None = None
    original_cut: CutBytes | None = None

    def encode(self) -> bytes:
        """Return the output as JSON, with its bytes as base64."""
        return self.model_dump_json().encode()
