"""The client that waits for each answer; with the standard library alone, one connection kept open."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from stream_app.client import asking
from stream_app.client.answers import Event, RecommendationList, User
from stream_app.client.asking import Ask, EventReader

T = TypeVar("T")
NOTHING: Mapping[str, str] = MappingProxyType({})


class Client:
    """Asks the API at `address`, such as http://127.0.0.1:8091; for one thread.

    Every method raises `ApiError` where the API answers with a problem, and `OSError` where it is not there.
    """

    def __init__(self, address: str, key: str | None = None, timeout: float = 10.0) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"write the address of the API as http://host:port, not {address}")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._timeout = parts.hostname, parts.port, timeout
        self._connection = self._new_connection()
        self._key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def user(self, user_id: str) -> User:
        """What is known of a user (scope `read`)."""
        return self._ask(asking.of_user(user_id), User)

    def timeline(self, user_id: str, limit: int = 50) -> list[dict[str, Any]]:
        """A user's newest outputs, the newest first (scope `read`)."""
        found = self._ask(asking.of_timeline(user_id, limit), dict[str, Any])
        return [entry["output"] for entry in found["entries"]]

    def recommend(
        self,
        items: Sequence[str],
        count: int = 10,
        exclude: Sequence[str] = (),
        surface: str = "api",
        context: Mapping[str, str] = NOTHING,
    ) -> RecommendationList:
        """The next items of a session, in click order so far (scope `recommend`)."""
        return self._ask(
            asking.of_recommendations(items, count, exclude, surface, context), RecommendationList
        )

    def tell(self, request_id: str, seen: Sequence[str] = (), clicked: str | None = None) -> None:
        """Tell what of a list was seen and clicked (scope `recommend`)."""
        self._ask(asking.of_impression(request_id, seen, clicked), dict[str, int])

    def stream(self, schemas: Sequence[str] = (), after: int | None = None) -> Iterator[Event]:
        """Outputs as they are written, without end (scope `read`); resume behind an event's `id`."""
        ask = asking.of_stream(schemas, after)
        connection = self._new_connection()
        try:
            connection.request(ask.method, ask.path, headers=asking.headers(self._key))
            answer = connection.getresponse()
            if answer.status >= 400:
                asking.read(answer.status, answer.read(), dict)
            reader = EventReader()
            for line in answer:
                yield from reader.take(line.decode().rstrip("\r\n"))
        finally:
            connection.close()

    def _new_connection(self) -> http.client.HTTPConnection:
        return self._kind(self._host, self._port, timeout=self._timeout)

    def _ask(self, ask: Ask, kind: type[T]) -> T:
        headers = asking.headers(self._key, ask)
        try:
            self._connection.request(ask.method, ask.path, ask.body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):
            # A kept connection may be closed by the server at any time between two requests.
            self._connection.close()
            self._connection.request(ask.method, ask.path, ask.body, headers)
            answer = self._connection.getresponse()
        return asking.read(answer.status, answer.read(), kind)
