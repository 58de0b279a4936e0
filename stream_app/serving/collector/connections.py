"""Limits open connections in total and per address, and keeps room for active clients.

An idle connection costs its sender nothing. When all are in use, the longest idle one is closed for a new
one: first among those that never sent a request, then among those kept alive between requests. A connection
that is being answered is never closed.
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
OTHER_FILES = 256  # open files of the process: rows, logs, broker sockets


class Closing(StrEnum):
    """Why the server closed or refused a connection."""

    SILENT = "silent"  # no byte arrived in time
    SLOW_HEAD = "slow_head"  # a request's head was not complete in time
    LARGE_HEAD = "large_head"
    ROOM = "room"  # idle for longest when a new one arrived
    FULL = "full"  # refused: all others were being answered


class Connection(Protocol):
    """One connection, as its registry sees it."""

    place: str | None

    def give_way(self, why: Closing) -> None:
        """Close it for this reason."""


class Connections:
    """The open connections: `most` in all, `most_of_address` of each place; a place of None has no cap.

    `note` counts closed connections by reason.
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
        # Those without a current request, longest idle first.
        self._new: OrderedDict[Connection, None] = OrderedDict()
        self._idle: OrderedDict[Connection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, connection: Connection) -> bool:
        """Register a new connection, if necessary in place of an idle one; False if there is none."""
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
        """Note that the connection has a current request."""
        self._new.pop(connection, None)
        self._idle.pop(connection, None)

    def fall_silent(self, connection: Connection) -> None:
        """Note that the connection's request was answered."""
        if connection in self._open:
            self._idle[connection] = None
            self._idle.move_to_end(connection)

    def leave(self, connection: Connection) -> None:
        """Note that the connection is closed."""
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
    """The number of connections that the process's limit of open files allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(min(soft, wanted) - OTHER_FILES, 1)
