"""HTTP on one connection as uvicorn speaks it, within the bounds of `connections`."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stream_app.serving.collector.connections import MOST_HEAD_BYTES, Closing, Connections

_HEADERS = b"\r\nContent-Length: 0\r\nConnection: close\r\n"
ANSWERS = {
    Closing.SLOW_HEAD: b"HTTP/1.1 408 Request Timeout" + _HEADERS + b"\r\n",
    Closing.LARGE_HEAD: b"HTTP/1.1 431 Request Header Fields Too Large" + _HEADERS + b"\r\n",
    Closing.FULL: b"HTTP/1.1 503 Service Unavailable" + _HEADERS + b"Retry-After: 5\r\n\r\n",
}


def guarded_protocol(connections: Connections) -> type[HttpToolsProtocol]:
    """uvicorn's protocol with time limits to the first byte and to the end of each request's head."""

    class GuardedProtocol(HttpToolsProtocol):
        place: str | None = None
        _limit: asyncio.TimerHandle | None = None
        _head_bytes = 0
        _is_refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            host = self.client[0] if self.client else ""
            self.place = connections.place_of(host)
            if connections.enter(self):
                self._expect(connections.first_byte_seconds, Closing.SILENT)
            else:
                self._is_refused = True
                self.give_way(Closing.FULL)

        def data_received(self, data: bytes) -> None:
            if self._is_refused or self.transport.is_closing():
                return
            if not self._is_answering() and not self._head_bytes:
                self._expect(connections.head_seconds, Closing.SLOW_HEAD)
            super().data_received(data)
            if self._is_answering():
                self._head_bytes = 0
                self._expect_nothing()
                connections.speak(self)
                return
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.give_way(Closing.LARGE_HEAD)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self._is_answering():
                connections.fall_silent(self)

        def connection_lost(self, exc: Exception | None) -> None:
            self._expect_nothing()
            connections.leave(self)
            super().connection_lost(exc)

        def give_way(self, why: Closing) -> None:
            """Close the connection, for a reason."""
            self._expect_nothing()
            if self.transport.is_closing():
                return
            connections.note(why)
            if why in ANSWERS:
                self.transport.write(ANSWERS[why])
            self.transport.close()

        def _is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _expect(self, seconds: float, otherwise: Closing) -> None:
            self._expect_nothing()
            self._limit = self.loop.call_later(seconds, self.give_way, otherwise)

        def _expect_nothing(self) -> None:
            if self._limit is not None:
                self._limit.cancel()
                self._limit = None

    return GuardedProtocol
