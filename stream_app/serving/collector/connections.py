"""Which connections are held: a number of them in all and of each address, and room for clients that speak.

A connection that says nothing costs its sender nothing. When the room is full, the one that has been silent
for longest gives way to the new one: first of those that never sent a request, then of those kept alive
between two. None that is being answered is closed.
"""

from __future__ import annotations

import resource
from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

MOST_CONNECTIONS = 2_000
MOST_OF_ADDRESS = 256
FIRST_BYTE_SECONDS = 10.0
HEAD_SECONDS = 15.0
MOST_HEAD_BYTES = 64 * 1024
OTHER_FILES = 256  # of the process: rows, logs, the broker's sockets


class Closing(StrEnum):
    """Why the server closed a connection, or took none."""

    SILENT = "silent"  # no byte in time
    SLOW_HEAD = "slow_head"  # a request's head did not end in time
    LARGE_HEAD = "large_head"
    ROOM = "room"  # silent for longest when a new one came
    FULL = "full"  # refused: all others were being answered


class Connection(Protocol):
    """One connection, as its registry sees it."""

    place: str | None

    def give_way(self, why: Closing) -> None:
        """Close it, for a reason."""


class Connections:
    """The open connections: `most` in all, `most_of_address` of each place; a place of None has no cap.

    `note` counts what is closed, by reason.
    """

    def __init__(
        self,
        most: int = MOST_CONNECTIONS,
        most_of_address: int = MOST_OF_ADDRESS,
        first_byte_seconds: float = FIRST_BYTE_SECONDS,
        head_seconds: float = HEAD_SECONDS,
        place_of: Callable[[str], str | None] = lambda host: host,
        note: Callable[[Closing], None] = lambda _: None,
    ) -> None:
        self.first_byte_seconds = first_byte_seconds
        self.head_seconds = head_seconds
        self.place_of = place_of
        self.note = note
        self._most = most
        self._most_of_address = most_of_address
        self._open: set[Connection] = set()
        self._of_place: Counter[str] = Counter()
        # Those without a request under way, the longest silent first.
        self._new: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Take a new connection in, if need be in the place of a silent one; False if there is none."""
        place = connection.place
        if (
            place is not None
            and self._of_place[place] >= self._most_of_address
            and not self._make_room(place)
        ):
            return False
        if len(self._open) >= self._most and not self._make_room(None):
            return False
        self._open.add(connection)
        self._new[connection] = None
        if place is not None:
            self._of_place[place] += 1
        return True

    def speak(self, connection: Connection) -> None:
        """A request of the connection is under way."""
        self._new.pop(connection, None)
        self._idle.pop(connection, None)

    def fall_silent(self, connection: Connection) -> None:
        """The connection's request was answered."""
        if connection in self._open:
            self._idle[connection] = None
            self._idle.move_to_end(connection)

    def leave(self, connection: Connection) -> None:
        """The connection is closed."""
        if connection not in self._open:
            return
        self._open.remove(connection)
        self.speak(connection)
        if connection.place is not None:
            self._of_place[connection.place] -= 1
            if not self._of_place[connection.place]:
                del self._of_place[connection.place]

    def _make_room(self, place: str | None) -> bool:
        for silent in (self._new, self._idle):
            for connection in silent:
                if place is None or connection.place == place:
                    self.leave(connection)
                    connection.give_way(Closing.ROOM)
                    return True
        return False


def most_connections() -> int:
    """How many connections the process may hold, with as many open files as it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(min(soft, wanted) - OTHER_FILES, 1)
