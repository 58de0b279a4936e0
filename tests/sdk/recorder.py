"""A plain door before the collector: hands every request on as it came, and keeps it with its answer."""

import base64
import gzip
import http.client
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
ANSWER_SECONDS = 60
EVENTS_IN_ADDRESSES = ("/i?", "/i/?", "/track?", "/engage?", "/matomo.php?", "/g/collect?")
GZIP_MAGIC = b"\x1f\x8b"


class Exchange(NamedTuple):
    """A request as an SDK sent it, and what it was answered; status 0 where nobody answered."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    status: int
    answer: bytes

    def text(self) -> bytes:
        """The body, unpacked where it is packed."""
        if self.body[:2] == GZIP_MAGIC:
            return gzip.decompress(self.body)
        if self.body.startswith(b"data="):
            return base64.b64decode(urllib.parse.unquote_to_bytes(self.body[5:]))
        return self.body


@dataclass
class Recorder:
    """What passed, in the order of the answers. `refusals` are statuses that the next requests get instead.

    A refusal of status 0 closes the connection without a word.
    """

    port: int
    exchanges: list[Exchange] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where SDKs send to."""
        return f"http://127.0.0.1:{self.port}"

    def of_events(self) -> list[Exchange]:
        """The exchanges that carry events: neither preflights nor what an SDK reads at its start."""
        return [
            exchange
            for exchange in self.exchanges
            if (exchange.method == "POST" and not exchange.path.startswith(("/flags", "/decide")))
            or exchange.path.startswith(EVENTS_IN_ADDRESSES)
        ]


@contextmanager
def recording(upstream_port: int) -> Iterator[Recorder]:
    """A recorder before the collector on a port of this machine, until the block ends."""
    recorder = Recorder(0)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = list(self.headers.items())
            status, headers, answer = 0, [], b""
            if recorder.refusals and self.command != "OPTIONS":
                status, extra = recorder.refusals.pop(0)
                headers = [("Access-Control-Allow-Origin", self.headers.get("Origin", "*")), *extra.items()]
            else:
                try:
                    status, headers, answer = ask(self.command, self.path, sent, body)
                except OSError:
                    status = 0
            recorder.exchanges.append(Exchange(self.command, self.path, sent, body, status, answer))
            if status == 0:
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_OPTIONS = do_PUT = do_HEAD = pass_on  # noqa: N815 (the names that the base class looks for)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
            """Say nothing: what passed is kept."""

    def ask(
        method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=ANSWER_SECONDS)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    recorder.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
