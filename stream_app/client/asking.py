"""What both clients share: how requests are written and answers read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from stream_app.client.answers import Event

T = TypeVar("T")


class ApiError(Exception):
    """The API answered with a problem: its status, and what to do about it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


class Ask(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes | None = None


def headers(key: str | None, ask: Ask | None = None) -> dict[str, str]:
    """What goes with a request."""
    found = {"Accept": "application/json"}
    if key is not None:
        found["Authorization"] = f"Bearer {key}"
    if ask is not None and ask.body is not None:
        found["Content-Type"] = "application/json"
    return found


def of_user(user_id: str) -> Ask:
    """What is known of a user."""
    return Ask("GET", f"/v1/users/{quote(user_id, safe='')}")


def of_timeline(user_id: str, limit: int) -> Ask:
    """A user's newest outputs."""
    return Ask("GET", f"/v1/users/{quote(user_id, safe='')}/timeline?{urlencode({'limit': limit})}")


def of_recommendations(
    items: Sequence[str], count: int, exclude: Sequence[str], surface: str, context: Mapping[str, str]
) -> Ask:
    """A list for a session."""
    asked = {"items": items, "count": count, "exclude": exclude, "surface": surface, "context": dict(context)}
    return Ask("POST", "/v1/recommendations", msgspec.json.encode(asked))


def of_impression(request_id: str, seen: Sequence[str], clicked: str | None) -> Ask:
    """What became of a list."""
    told = {"request_id": request_id, "seen": seen, "clicked": clicked}
    return Ask("POST", "/v1/impressions", msgspec.json.encode(told))


def of_stream(schemas: Sequence[str], after: int | None) -> Ask:
    """Outputs as they are written."""
    asked: list[tuple[str, str | int]] = [("schema", schema) for schema in schemas]
    if after is not None:
        asked.append(("after", after))
    return Ask("GET", f"/v1/stream?{urlencode(asked)}")


def read(status: int, body: bytes, kind: type[T]) -> T:
    """An answer as a type.

    Raises:
        ApiError: the API answered with a problem, or with something else than the contract has.
    """
    if status >= 400:
        raise ApiError(status, _detail(body))
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ApiError(status, f"the answer is not as the contract has it: {error}") from None


class EventReader:
    """Puts server-sent events together from lines; comments are passed over."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def take(self, line: str) -> Iterator[Event]:
        """The event that a line completes, if it does."""
        if line:
            name, _, value = line.partition(": ")
            self._fields[name] = value
            return
        fields, self._fields = self._fields, {}
        if "data" in fields:
            yield Event(int(fields["id"]), fields["event"], msgspec.json.decode(fields["data"]))


def _detail(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["detail"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")
