"""The session-clicks format as a stream: each click is a page event, in time order over all sessions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from stream_app.errors import InputError
from stream_app.intake.sources.session_clicks import read_session_clicks
from stream_app.intake.sources.source import wire_event


class ClickStream:
    """Clicks in time order; the session's id is used as its anonymous visitor.

    Raises:
        InputError: the file is not in this format.
    """

    is_live = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            sessions = read_session_clicks(path)
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from None
        self._clicks = sorted(
            (at, session.session_id, position, item)
            for session in sessions
            for position, (item, at) in enumerate(zip(session.items, session.times, strict=True))
        )

    @property
    def name(self) -> str:
        """The file's full path."""
        return f"clicks:{self._path.resolve()}"

    def size(self) -> int | None:
        """The number of clicks."""
        return len(self._clicks)

    def records(self, skip: int) -> Iterator[tuple[bytes, int]]:
        """The clicks, oldest first."""
        for number, (at, session, position, item) in enumerate(
            islice(self._clicks, skip, None), start=skip + 1
        ):
            value = wire_event(
                "page",
                messageId=f"{session}:{position}",
                anonymousId=session,
                timestamp=at,
                properties={"item_id": item},
            )
            yield value, number
