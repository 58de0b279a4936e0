"""What a tracker form says of itself: how its records are recognised and read, and how its SDKs send them.

Forms, the collector's routes, settings and the tables of the documentation follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

JSON = "application/json"


class Sent(NamedTuple):
    """A request as its collector took it: the body unpacked, names of `headers` in lower case.

    `parameters` are the parts of the path that the route's `{name}` stand for.
    """

    body: bytes
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    parameters: Mapping[str, str] = {}


class Answer(NamedTuple):
    """What an SDK expects to hear once its events are durable; `location` is where a browser is sent on."""

    body: bytes
    media_type: str = JSON
    status: int = 200
    location: str = ""


# The smallest GIF: one transparent pixel.
PIXEL = Answer(
    bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"),
    "image/gif",
)


class Reading(NamedTuple):
    """The events of a request, the write key that it shows, and its answer if that is not the route's own.

    Of an anonymous sender the collector notes no address. A link that leads through the collector goes on to
    `forward_to`, if that is an address of a site whose pages may send.
    """

    events: list[Any]
    write_key: str | None = None
    answer: Answer | None = None
    is_anonymous: bool = False
    forward_to: str | None = None


class BodyKind(Enum):
    """How a route's body is written."""

    NONE = "none"  # a GET request: all is in its address
    JSON = "json"  # also within a form's field `data`, as it is or in Base64
    TEXT = "text"  # whatever it is, such as a form's fields


@dataclass(frozen=True)
class Route:
    """An address of the collector.

    `read` raises `Unreadable` for a request that is not as its SDK sends it. `path_setting` names a setting
    whose value is one more path.
    """

    paths: tuple[str, ...]
    read: Callable[[Sent], Reading]
    answer: Answer
    body: BodyKind = BodyKind.JSON
    path_setting: str | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.body is BodyKind.NONE else "POST"


class FormSetting(NamedTuple):
    """A text that the form can be set by: `STREAM_APP_<NAME>`."""

    name: str
    default: str
    pattern: str
    description: str


def claim_nothing(_: Any) -> bool:
    """That a record is of this form is never told by such a shape."""
    return False


@dataclass(frozen=True, kw_only=True)
class TrackerForm:
    """One form of records.

    Attributes:
        name: what the setting `tracker_form` and the folder of golden files call it.
        summary: what it is, for the table of forms.
        shape: how it is recognised, in words, for the same table.
        read: a record's canonical events, as plain objects with camelCase keys, in its order; raises
            `Unreadable`.
        claims: whether a JSON object (the first of an array) is of this form.
        claims_text: the same of bytes that are no JSON.
        is_broad: it is asked last, for it is recognised by names that others use too.
        is_canonical: its records are events of the contract as they stand; so is what no form claims.
        starts: what its SDKs read before they send anything; such a request has no events.
        senders: what sends it, and what to set there.
        user_fields: the fields of JSON or of a query that hold users' ids: what is too broken to be read is
            known to be somebody's by them.
        fields: where a canonical field comes from, by a row of `tracker_tables.FIELDS`.
        becomes: what its kinds of events become, where that is not a track event of the same name.
    """

    name: str
    summary: str
    shape: str
    read: Callable[[bytes], list[dict[str, Any]]]
    claims: Callable[[Mapping[str, Any]], bool] = claim_nothing
    claims_text: Callable[[bytes], bool] = claim_nothing
    is_broad: bool = False
    is_canonical: bool = False
    routes: tuple[Route, ...] = ()
    starts: tuple[Route, ...] = ()
    settings: tuple[FormSetting, ...] = ()
    senders: Mapping[str, str] = field(default_factory=dict)
    user_fields: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    becomes: Mapping[str, str] = field(default_factory=dict)
