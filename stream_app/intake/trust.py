"""Who vouches for a record: the collector marks what it took with a key that anybody can read in a page.

What bears no mark is trusted: it came with a server key, or somebody wrote it to the topic or file who may.
The collector alone sets the mark, and takes out what a sender wrote in its place.
"""

from __future__ import annotations

from typing import Any

import msgspec

MARK = "writeKeyScope"
PAGE = "page"
_MARK_IN_BYTES = f'"{MARK}"'.encode()


class _Marked(msgspec.Struct):
    write_key_scope: Any = msgspec.field(default=None, name=MARK)


_decode_mark = msgspec.json.Decoder(_Marked).decode


def is_trusted(value: bytes) -> bool:
    """Whether a record that was read bears no mark of a page's key."""
    if _MARK_IN_BYTES not in value:
        return True
    try:
        return _decode_mark(value).write_key_scope is None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False  # such as an array, which the collector hands on with a mark in each of its objects


def mark(event: Any, is_trusted: bool) -> Any:
    """What was sent as an event, with the mark that it is to bear and no other."""
    if isinstance(event, list):
        return [mark(inner, is_trusted) for inner in event]
    if not isinstance(event, dict):
        return event
    own = {name: value for name, value in event.items() if name != MARK} if MARK in event else event
    return own if is_trusted else {**own, MARK: PAGE}
