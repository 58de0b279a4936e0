"""Request bodies: read within bounds of size and time, and unpacked within the same bound."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from stream_app.intake.trackers.declaration import BodyKind
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

READ_SECONDS = 30.0
MEMORY_BYTES = 64 * 1024 * 1024
MEDIA_TYPES = frozenset({"", "application/json", "text/plain"})
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
GZIP_OR_ZLIB = 47
RAW_DEFLATE = -zlib.MAX_WBITS
BUSY_SECONDS = 5


class BodyReader:
    """Reads bodies of at most `limit` bytes each, unpacked, while at most `memory` bytes of all are held."""

    def __init__(self, limit: int, memory: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self._free = max(memory, limit)

    @asynccontextmanager
    async def read(self, request: Request, kind: BodyKind = BodyKind.JSON) -> AsyncIterator[bytes]:
        """The unpacked body, which counts as held until the block ends.

        Raises:
            RefusedError: it is too large, too slow, of a media type or encoding that is not taken, or broken.
        """
        encoding = _encoding(request, kind)
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isdecimal() else self._limit
        if size > self._limit:
            raise self._too_large()
        held = self._limit if encoding else size
        if held > self._free:
            raise RefusedError(RefusalReason.OVERLOADED, "too much is under way: send again", BUSY_SECONDS)
        self._free -= held
        try:
            packed = await self._read_in_time(request)
            yield self._unpack(packed) if encoding else packed
        finally:
            self._free += held

    async def _read_in_time(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._read_packed(request.stream())
        except (TimeoutError, ClientDisconnect):
            detail = f"the body did not arrive within {READ_SECONDS:.0f} s"
            raise RefusedError(RefusalReason.SLOW_BODY, detail) from None

    async def _read_packed(self, chunks: AsyncIterator[bytes]) -> bytes:
        body = bytearray()
        async for chunk in chunks:
            body += chunk
            if len(body) > self._limit:
                raise self._too_large()
        return bytes(body)

    def _unpack(self, packed: bytes) -> bytes:
        # RFC 9110 has `deflate` in a zlib wrapper; some senders leave it out.
        has_wrapper = packed[:1] == b"\x1f" or (packed[:1] and packed[0] & 0x0F == zlib.DEFLATED)
        unpacking = zlib.decompressobj(GZIP_OR_ZLIB if has_wrapper else RAW_DEFLATE)
        try:
            body = unpacking.decompress(packed, self._limit + 1)
        except zlib.error as error:
            raise RefusedError(RefusalReason.BAD_ENCODING, f"the body cannot be unpacked: {error}") from None
        if len(body) > self._limit:
            raise self._too_large()
        if not unpacking.eof or unpacking.unused_data:
            raise RefusedError(
                RefusalReason.BAD_ENCODING, "the packed body is cut short or has more behind it"
            )
        return body

    def _too_large(self) -> RefusedError:
        return RefusedError(
            RefusalReason.TOO_LARGE, f"a body may have {self._limit} bytes, unpacked: send smaller batches"
        )


def _encoding(request: Request, kind: BodyKind) -> str:
    """How the body is packed; empty where it is not."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind is BodyKind.JSON and media_type not in MEDIA_TYPES:
        raise RefusedError(
            RefusalReason.MEDIA_TYPE, "send the body as application/json, or as text/plain from a beacon"
        )
    if request.query_params.get("compression") == "gzip-js":
        return "gzip"  # posthog-js names no Content-Encoding
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise RefusedError(RefusalReason.MEDIA_TYPE, "send Content-Encoding gzip or deflate, or none")
    return "" if encoding == "identity" else encoding
