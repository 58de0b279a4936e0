"""Decompresses bytes from files and pipes by their content, whatever their names."""

from __future__ import annotations

import codecs
import gzip
import io
from typing import IO, Any, cast

from stream_app.errors import InputError

HEAD_BYTES = 65_536
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16's mark, which starts the same way
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
INSTALL_FILES = "pip install 'stream-app[files]'"


class Peeked(io.RawIOBase):
    """A stream whose beginning was already read into `head`; reading still starts with it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream: Any = stream
        self.head = self._read_some(HEAD_BYTES)
        self._left = self.head

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the rest of the head, then what the stream has ready."""
        data = self._left[: len(buffer)] if self._left else self._read_some(len(buffer))
        self._left = self._left[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def drop(self, count: int) -> None:
        """Skip the first bytes of the head."""
        self._left = self._left[count:]

    def _read_some(self, count: int) -> bytes:
        # A pipe returns what it has; waiting for more would delay events that are already there.
        read = getattr(self._stream, "read1", self._stream.read)
        return cast("bytes", read(count))


class _Recoded(io.RawIOBase):
    """Text of another encoding as UTF-8."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left = b""

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes in UTF-8."""
        while not self._left:
            data = self._stream.read(HEAD_BYTES)
            self._left = self._decoder.decode(data, final=not data).encode()
            if not data:
                break
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def unpack(stream: IO[bytes]) -> Peeked:
    """The stream decompressed (gzip, zstd), in UTF-8 and without a byte order mark.

    Raises:
        InputError: it is compressed with zstd, and the extra `files` is not installed.
    """
    peeked = Peeked(stream)
    while True:
        if peeked.head.startswith(GZIP_MAGIC):
            peeked = Peeked(cast("IO[bytes]", gzip.GzipFile(fileobj=io.BufferedReader(peeked))))
        elif peeked.head.startswith(ZSTD_MAGIC):
            peeked = Peeked(_unpack_zstd(io.BufferedReader(peeked)))
        elif (encoding := _wide_encoding(peeked.head)) is not None:
            peeked.drop(len(_mark_of(peeked.head)))
            return Peeked(cast("IO[bytes]", io.BufferedReader(_Recoded(io.BufferedReader(peeked), encoding))))
        else:
            if peeked.head.startswith(codecs.BOM_UTF8):
                peeked.drop(len(codecs.BOM_UTF8))
                peeked.head = peeked.head[len(codecs.BOM_UTF8) :]
            return peeked


def _mark_of(head: bytes) -> bytes:
    return next((mark for mark in BYTE_ORDER_MARKS if head.startswith(mark)), b"")


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by the byte order mark, else UTF-16 if every other byte is zero."""
    if mark := _mark_of(head):
        return BYTE_ORDER_MARKS[mark]
    start = head[:64]
    if len(start) >= 4 and not any(start[1::2]) and all(start[::2]):
        return "utf-16-le"
    if len(start) >= 4 and not any(start[::2]) and all(start[1::2]):
        return "utf-16-be"
    return None


def _unpack_zstd(stream: io.BufferedReader) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise InputError(f"it is compressed with zstd: `{INSTALL_FILES}` brings what reads it") from None
    return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True))
