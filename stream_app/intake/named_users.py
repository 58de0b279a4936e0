"""The users named in a record of any tracker's form, valid or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from stream_app.intake import trackers
from stream_app.intake.repairs import id_text
from stream_app.intake.wire import decode_event
from stream_app.settings.placeholder_ids import SHIPPED, PlaceholderIds

OWNER_FIELDS = ("userId", "anonymousId")
NAMING_FIELDS = (*OWNER_FIELDS, "previousId")
MAX_ID_BYTES = 256


def _written_in_text() -> re.Pattern[bytes]:
    """The fields of all forms with users' ids, as in JSON and in query strings."""
    declared = {name for form in trackers.FORMS.values() for name in form.user_fields}
    names = b"|".join(re.escape(name.encode()) for name in sorted(declared))
    value = rb'"([^"\\]{1,%d})"' % MAX_ID_BYTES
    number = rb"(-?[0-9]{1,19})(?![0-9.eE])"
    in_json = rb'"(?:%s)"\s{0,64}:\s{0,64}(?:%s|%s)' % (names, value, number)
    in_query = rb"(?:^|[?&\n])(?:%s)=([^&\s]{1,%d})" % (names, MAX_ID_BYTES)
    return re.compile(in_json + b"|" + in_query)


_IN_TEXT = _written_in_text()


def owner_of(value: bytes, form: str = "", ids: PlaceholderIds = SHIPPED) -> str | None:
    """The id under which an event is kept: its user id, or else its anonymous id; None if it has neither.

    The placeholders `ids` identify nobody. A malformed record goes to the first user it names, so that it is
    found when that user is erased. `form` is the tracker form from the settings, if set.
    """
    try:
        event = decode_event(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        named: Iterator[str] = (
            name for fields in _events(value, form) for name in _ids_in(fields, OWNER_FIELDS)
        )
    else:
        named = (name for name in (event.user_id, event.anonymous_id) if name)
    real = (name for name in named if not (ids.may_be_one(name) and ids.stands_for_nobody(name)))
    owner = next(real, None)
    if owner is not None:
        return owner
    return next((name for name in _named_in_text(value) if not ids.stands_for_nobody(name)), None)


def named_users(value: bytes, form: str = "") -> list[str]:
    """The ids of all users named in a record, including secondary ids."""
    named = [name for fields in _events(value, form) for name in _ids_in(fields, NAMING_FIELDS)]
    return list(dict.fromkeys(named or _named_in_text(value)))


def _events(value: bytes, form: str) -> list[dict[str, Any]]:
    """The record's events in canonical fields; none if it cannot be read."""
    try:
        form = form or trackers.detect(value)
        return trackers.read(value, form)
    except (trackers.Unreadable, RecursionError):
        return []


def _ids_in(fields: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = fields.get(name)
        text = value if isinstance(value, str) else id_text(value)
        if text:
            yield text


def _named_in_text(value: bytes) -> Iterator[str]:
    for quoted, number, in_query in _IN_TEXT.findall(value):
        found = (quoted or number).decode(errors="replace") or unquote_plus(in_query.decode(errors="replace"))
        if found:
            yield found
