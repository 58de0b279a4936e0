"""Privacy requests to whichever process fills a data folder: one file each, until they are granted.

Who wants somebody erased while another process holds the folder leaves the request here; that process grants
it between two rounds. A request that a crash interrupts is found again and gets its first answer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from stream_app.errors import InputError, StateError
from stream_app.schemas.privacy import PrivacyRequest

log = logging.getLogger(__name__)
FOLDER_NAME = "requests"
SUFFIX = ".json"


class LetterBox:
    """The requests that wait in a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER_NAME

    def post(self, request: PrivacyRequest) -> None:
        """Leave a request, durably.

        Raises:
            StateError: the folder cannot be written.
        """
        path = self._folder / f"{request.request_id}{SUFFIX}"
        unfinished = path.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(request.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            raise StateError(f"the request cannot be left at {path}: {error}") from error

    def grant_all(self, erase: Callable[[PrivacyRequest], object]) -> int:
        """Have every waiting request granted, and return how many there were.

        One that is refused, or that was tampered with, is dropped with a line in the log.

        Raises:
            StateError: one could not be granted now; it stays.
        """
        granted = 0
        for path in self._waiting():
            try:
                erase(PrivacyRequest.model_validate_json(path.read_bytes()))
                granted += 1
            except (ValidationError, InputError) as error:
                log.warning("the request %s was not granted: %s", path.name, type(error).__name__)
            path.unlink()
        return granted

    def is_empty(self) -> bool:
        """Whether no request waits."""
        return next(self._waiting(), None) is None

    def _waiting(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from sorted(path for path in self._folder.iterdir() if path.suffix == SUFFIX)
