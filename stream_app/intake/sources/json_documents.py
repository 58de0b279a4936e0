"""JSON that is not one value per line: an array of events, or pretty-printed objects.

Only finds where values begin and end, incrementally: a file is never in memory as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from stream_app.errors import InputError

CHUNK_BYTES = 262_144
MAX_VALUE_BYTES = 16_777_216
_MARKS = re.compile(rb'["\[\]{}]')
_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOTHING = b" \t\r\n,"


def json_documents(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of each object in the text, or of each member if one array contains everything.

    Anything between objects is returned too, so that the contract refuses and counts it.

    Raises:
        InputError: the text ends within a value, or one value is too large to be an event.
    """
    buffer, start, at = b"", 0, 0  # `start`: where the current value begins; `at`: how far it was scanned
    depth, floor = 0, 0  # `floor`: 1 within an array that contains everything
    while chunk := stream.read(CHUNK_BYTES):
        buffer, start, at = buffer[start:] + chunk, 0, at - start
        while (mark := _MARKS.search(buffer, at)) is not None:
            sign = mark[0]
            if sign == b'"':
                end = _STRING_END.match(buffer, mark.end())
                if end is None:
                    at = mark.start()  # the string continues in the next chunk
                    break
                at = end.end()
                continue
            at = mark.end()
            if sign in b"[{":
                if depth == floor:
                    yield from _remains(buffer[start : mark.start()])
                    start = mark.start()
                    if sign == b"[" and floor == 0:
                        floor, start = 1, at
                depth += 1
                continue
            depth -= 1
            if depth < floor:  # the end of the outer array, or an unmatched bracket
                yield from _remains(buffer[start : mark.start()])
                depth, floor, start = 0, 0, at
            elif depth == floor:
                yield buffer[start:at]
                start = at
        else:
            at = len(buffer)
        if len(buffer) - start > MAX_VALUE_BYTES:
            raise InputError(
                f"one JSON value is larger than {MAX_VALUE_BYTES // 1_048_576} MB: write an event a line"
            )
    if depth:
        raise InputError("it ends within a JSON value: it was cut short, or a bracket is missing")
    yield from _remains(buffer[start:])


def _remains(between: bytes) -> Iterator[bytes]:
    for part in between.strip(_NOTHING).split(b"\n"):
        if rest := part.strip(_NOTHING):
            yield rest
