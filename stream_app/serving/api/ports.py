"""What the API asks of whatever holds the data."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from stream_app.schemas.outputs import PrivacyReceipt, RecommendedItem

JsonObject = dict[str, Any]


class Entry(NamedTuple):
    """An output with its place among all outputs."""

    sequence: int
    schema_name: str
    body: bytes


class SessionAsked(NamedTuple):
    """A session to recommend for; `at` is in epoch seconds."""

    items: Sequence[str]
    most: int
    exclude: Collection[str]
    device: str | None
    country: str | None
    at: float
    seed: str
    anonymous_id: str | None


class Present(Protocol):
    """What is answered at once, of one user, item or session; called from the server's own thread."""

    def status(self) -> JsonObject: ...
    def users(self, tier: int | None, prefix: str, skip: int, limit: int) -> tuple[list[JsonObject], int]: ...
    def user(self, user_id: str) -> JsonObject | None: ...
    def timeline(self, user_id: str, before: int | None, limit: int) -> list[Entry] | None: ...
    def recommend_to_user(self, user_id: str, count: int) -> JsonObject | None: ...
    def recommend(self, asked: SessionAsked) -> tuple[list[RecommendedItem], str | None]: ...
    def days(self) -> JsonObject: ...
    def item(
        self, item_id: str, count: int, device: str | None, country: str | None
    ) -> JsonObject | None: ...
    def next_items(self, item_id: str, count: int) -> JsonObject | None: ...
    def entries_after(self, sequence: int, schemas: Collection[str], limit: int) -> list[Entry]: ...
    def newest_sequence(self) -> int: ...


class Studies(Protocol):
    """What takes seconds, as it reads everything; called from a thread of its own.

    Raises (each of them):
        InputError: what was asked for is not known.
        StateError: not enough is known yet.
    """

    def what_if(
        self, user: str | None, item: str | None, target: str, changes: JsonObject, controls: Sequence[str]
    ) -> JsonObject: ...
    def drivers(self, top: int) -> JsonObject: ...
    def clusters(self, count: int, top: int) -> JsonObject: ...
    def segments(self) -> JsonObject: ...
    def contents(self, top: int) -> JsonObject: ...
    def models(self) -> JsonObject: ...
    def export(self, user_id: str, asked_by: str) -> JsonObject: ...


class Acts(Protocol):
    """What changes the data; called from a thread of its own."""

    def erase(self, user_id: str, timeout: float, asked_by: str) -> tuple[str, PrivacyReceipt | None]:
        """Have a user erased; the request's id, and the receipt if it came within `timeout` seconds."""

    def receipt(self, request_id: str) -> PrivacyReceipt | None:
        """The receipt of an earlier request."""
