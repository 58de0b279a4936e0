"""Request bodies, read and decompressed within bounds of size and time.

The bytes decide how a body is encoded: trackers compress without declaring it, or under a form's content
type, and a body decompressed by a proxy may still be declared as compressed. Headers are only hints if the
bytes are ambiguous.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.requests import ClientDisconnect, Request

from stream_app.intake.trackers.declaration import BodyKind
from stream_app.serving.collector.form_data import is_form, read_form
from stream_app.serving.collector.refusals import RefusalReason, RefusedError

READ_SECONDS = 30.0
MEMORY_BYTES = 64 * 1024 * 1024
BUSY_SECONDS = 5
STEP_BYTES = 256 * 1024
MOST_WRAPPINGS = 3  # such as gzip in base64 in a form
GZIP_MAGIC = b"\x1f\x8b"
GZIP_OR_ZLIB = 47
RAW_DEFLATE = -zlib.MAX_WBITS
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON_BEGINS = re.compile(rb"[ \t\r\n]*[\[{]")
Reserve = Callable[[int], None]


class BodyReader:
    """Reads bodies of at most `limit` decompressed bytes each, and `memory` bytes at a time in all."""

    def __init__(self, limit: int, memory: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self._free = max(memory, 2 * limit)

    @asynccontextmanager
    async def read(self, request: Request, kind: BodyKind = BodyKind.JSON) -> AsyncIterator[bytes]:
        """Yield the decompressed body, which counts towards `memory` until the block ends.

        Raises:
            RefusedError: it is too large, too slow, malformed, or in an unsupported encoding.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._limit:
            raise self._too_large()
        with self._holding() as reserve:
            sent = await self._read_in_time(request, reserve)
            yield self._unwrap(sent, request.headers.get("content-encoding", ""), kind, reserve)

    def _unwrap(self, sent: bytes, encoding: str, kind: BodyKind, reserve: Reserve) -> bytes:
        """Unwrap a body; data without a known wrapping is returned as it is."""
        body, hint = sent, encoding.strip().lower()
        for _ in range(MOST_WRAPPINGS):
            body = body.removeprefix(BYTE_ORDER_MARK)
            if _JSON_BEGINS.match(body):
                return body
            window = _window_of(body, hint)
            if window is not None:
                body = self._unpack(body, window, reserve)
            elif hint not in {"", "identity"}:
                raise RefusedError(RefusalReason.MEDIA_TYPE, "send Content-Encoding gzip or deflate, or none")
            elif kind is BodyKind.JSON and is_form(body):
                body = read_form(body)
            else:
                return body
            hint = ""
        return body

    @contextmanager
    def _holding(self) -> Iterator[Reserve]:
        held = 0

        def reserve(size: int) -> None:
            nonlocal held
            if size > self._free:
                raise RefusedError(
                    RefusalReason.OVERLOADED, "too much is under way: send again", BUSY_SECONDS
                )
            held += size
            self._free -= size

        try:
            yield reserve
        finally:
            self._free += held

    async def _read_in_time(self, request: Request, reserve: Reserve) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for chunk in request.stream():
                    reserve(len(chunk))
                    body += chunk
                    if len(body) > self._limit:
                        raise self._too_large()
        except (TimeoutError, ClientDisconnect):
            detail = f"the body did not arrive within {READ_SECONDS:.0f} s"
            raise RefusedError(RefusalReason.SLOW_BODY, detail) from None
        return bytes(body)

    def _unpack(self, packed: bytes, window: int, reserve: Reserve) -> bytes:
        unpacking = zlib.decompressobj(window)
        body, waiting = bytearray(), packed
        try:
            while waiting and not unpacking.eof:
                part = unpacking.decompress(waiting, STEP_BYTES)
                waiting = unpacking.unconsumed_tail
                reserve(len(part))
                body += part
                if len(body) > self._limit:
                    raise self._too_large()
        except zlib.error as error:
            raise RefusedError(RefusalReason.BAD_ENCODING, f"the body cannot be unpacked: {error}") from None
        if not unpacking.eof or unpacking.unused_data:
            raise RefusedError(
                RefusalReason.BAD_ENCODING, "the packed body is cut short or has more behind it"
            )
        return bytes(body)

    def _too_large(self) -> RefusedError:
        return RefusedError(
            RefusalReason.TOO_LARGE, f"a body may have {self._limit} bytes, unpacked: send smaller batches"
        )


def _window_of(body: bytes, hint: str) -> int | None:
    """The zlib parameter to decompress a body; None if it is not gzip or deflate."""
    # RFC 1950: a zlib header is a multiple of 31. No JSON or form body starts like this.
    is_zlib = len(body) > 1 and body[0] == 0x78 and (body[0] << 8 | body[1]) % 31 == 0
    if body[:2] == GZIP_MAGIC or is_zlib or hint == "gzip":
        return GZIP_OR_ZLIB
    # RFC 9110 has `deflate` in a zlib wrapper; some senders leave it out.
    return RAW_DEFLATE if hint == "deflate" else None
