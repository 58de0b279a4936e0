"""The declaration of a tracker form: how its records are recognised and read, and how its SDKs send them.

Forms, collector routes, settings and documentation tables are derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

JSON = "application/json"


class Sent(NamedTuple):
    """A request as received by the collector: the body decompressed, `headers` with lower-case names.

    `parameters` are the parts of the path for the route's `{name}` placeholders.
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
    """The events of a request, the write key that it presents, and its answer if not the route's default.

    The collector does not record the address of an anonymous sender. A link that leads through the collector
    goes on to `forward_to`, if that is an address of a site whose pages may send.
    """

    events: list[Any]
    write_key: str | None = None
    answer: Answer | None = None
    is_anonymous: bool = False
    forward_to: str | None = None


class BodyKind(Enum):
    """How a route's body is encoded."""

    NONE = "none"  # a GET request: everything is in the URL
    JSON = "json"  # also in a form's field `data`, plain or in Base64
    TEXT = "text"  # anything, such as form fields


@dataclass(frozen=True)
class Route:
    """A route of the collector.

    `read` raises `Unreadable` for a request that is not in its SDK's format. `path_setting` names a setting
    whose value is an additional path.
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
    """A text setting of the form: `STREAM_APP_<NAME>`."""

    name: str
    default: str
    pattern: str
    description: str


def claim_nothing(_: Any) -> bool:
    """Never claim a record by this kind of shape."""
    return False


@dataclass(frozen=True, kw_only=True)
class TrackerForm:
    """One form of records.

    Attributes:
        name: its name in the setting `tracker_form` and in the folder of golden files. summary: a description
        for the table of forms. shape: how it is recognised, for the same table. read: a record's canonical
        events, as plain objects with camelCase keys, in its order; raises
            `Unreadable`.
        claims: whether a JSON object (the first of an array) has this form. claims_text: the same for bytes
        that are not JSON. is_broad: whether it is checked last, because it is recognised by names that others
        use too. is_canonical: whether its records are already events of the contract; records that no form
        claims count as this form. starts: routes that its SDKs read before they send anything; such requests
        have no events. senders: what sends it, and how to configure that. user_fields: the fields of JSON or
        of a query that hold users' ids: what is too broken to be read is
            known to be somebody's by them.
        fields: where a canonical field comes from, by row of `tracker_tables.FIELDS`. becomes: what its kinds
        of events become, if not a track event of the same name.
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
