"""Erasures of a data folder: done here where nobody holds it, else left to the process that fills it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import orjson

from stream_app.errors import FolderInUseError, StateError
from stream_app.folder.opening import data_keys, open_audit, open_replay
from stream_app.observability.metrics import Metrics
from stream_app.runtimes.common.audit import act
from stream_app.runtimes.common.intake import subject_of
from stream_app.runtimes.embedded.letter_box import LetterBox
from stream_app.runtimes.embedded.output_table import FILE_NAME
from stream_app.runtimes.embedded.store import Store
from stream_app.schemas.audit import Act
from stream_app.schemas.outputs import PrivacyReceipt
from stream_app.schemas.privacy import PrivacyRequest
from stream_app.settings.environment import Settings

POLL_SECONDS = 0.1
RECEIPT = "privacy_receipt"


class FolderActs:
    """What the `act` scope may do to a data folder."""

    def __init__(self, data_dir: Path, settings: Settings) -> None:
        self._data_dir = data_dir
        self._settings = settings

    def erase(self, user_id: str, timeout: float, asked_by: str) -> tuple[str, PrivacyReceipt | None]:
        """Have a user erased; the request's id, and the receipt if it came within `timeout` seconds.

        The audit log names the key that asked.

        Raises:
            StateError: it could be neither granted nor left.
        """
        request = PrivacyRequest(request_id=uuid4().hex, user_id=user_id, requested_at=datetime.now(UTC))
        subject = subject_of(user_id, self._settings, data_keys(self._data_dir, self._settings))
        details = {"api_key": asked_by}
        entry = act(Act.ERASURE_REQUEST, subject, request_id=request.request_id, details=details)
        open_audit(self._data_dir, self._settings).write([entry])
        return request.request_id, erase(request, self._data_dir, self._settings, timeout)

    def receipt(self, request_id: str) -> PrivacyReceipt | None:
        """The receipt of a request; None while it waits."""
        return find_receipt(self._data_dir, request_id)


def erase(
    request: PrivacyRequest, data_dir: Path, settings: Settings, timeout: float
) -> PrivacyReceipt | None:
    """Erase a user from a folder, or have the process do it that fills it; None if it has not by `timeout`.

    Raises:
        InputError: the request is none that can be granted.
        StateError: the folder cannot be used.
    """
    if not (data_dir / FILE_NAME).exists():
        raise StateError(f"{data_dir} holds no data: name the folder that was replayed into")
    letter_box, deadline = LetterBox(data_dir), time.monotonic() + timeout
    is_left = False
    while True:
        try:
            with open_replay(data_dir, settings, Metrics()) as (_, _, replay):
                receipt = find_receipt(data_dir, request.request_id) if is_left else None
                return receipt or replay.erase(request)
        except FolderInUseError:
            if not is_left:
                letter_box.post(request)
                is_left = True
        receipt = find_receipt(data_dir, request.request_id)
        if receipt is not None or time.monotonic() > deadline:
            return receipt
        time.sleep(POLL_SECONDS)


def find_receipt(data_dir: Path, request_id: str) -> PrivacyReceipt | None:
    """The first receipt of a request, with what was removed of rows and outputs."""
    with Store(data_dir, read_only=True) as store:
        for output in store.outputs_after(0, (RECEIPT,)):
            if orjson.loads(output.body)["request_id"] == request_id:
                return PrivacyReceipt.model_validate_json(output.body)
    return None
