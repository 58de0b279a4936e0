"""`erase`: removes everything stored about a user, in a data folder or on Kafka."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer
from rich import box
from rich.table import Table

from stream_app.cli.options import AsJson, SetOption, console
from stream_app.errors import UnfinishedError

if TYPE_CHECKING:
    from stream_app.schemas.outputs import PrivacyReceipt, StoreErasure
    from stream_app.schemas.privacy import PrivacyRequest
    from stream_app.settings.environment import Settings


FolderInstead = Annotated[
    Path | None, typer.Option("--data-dir", help="A folder of the embedded runtime; without it: Kafka.")
]
User = Annotated[str, typer.Option(min=1, max=256, help="The user's id, as trackers send it.")]


def erase(
    user: User,
    data_dir: FolderInstead = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the receipt.")] = 60.0,
    as_json: AsJson = False,
    flags: SetOption = None,
) -> None:
    """Erase a user's row, outputs and traces; their events up to now are dropped if they are replayed."""
    from stream_app.schemas.privacy import PrivacyRequest
    from stream_app.settings.loading import load_settings

    settings = load_settings(flags or ())
    request = PrivacyRequest(request_id=uuid4().hex, user_id=user, requested_at=datetime.now(UTC))
    receipt = _ask(request, data_dir, settings, timeout)
    if as_json:
        sys.stdout.write(receipt.model_dump_json() + "\n")
    else:
        _print(receipt)


def _ask(
    request: PrivacyRequest, data_dir: Path | None, settings: Settings, timeout: float
) -> PrivacyReceipt:
    import asyncio

    if data_dir is None:
        from stream_app.runtimes.kafka.operate import privacy

        return asyncio.run(privacy.ask(request, settings, timeout))
    from stream_app.folder.folder_acts import erase as erase_from_folder

    receipt = erase_from_folder(request, data_dir, settings, timeout)
    if receipt is None:
        raise UnfinishedError(
            f"the request {request.request_id} waits in {data_dir}: the process that fills the folder grants "
            "it, or the next command that does"
        )
    return receipt


def _print(receipt: PrivacyReceipt) -> None:
    console.print(f"Request {receipt.request_id}, subject {receipt.subject}", highlight=False)
    console.print(f"Events up to {receipt.as_of:%Y-%m-%d %H:%M:%S} UTC are dropped from now on.")
    table = Table("store", "what became of it", box=box.SIMPLE_HEAD)
    for store in receipt.stores:
        table.add_row(store.store, _describe(store))
    console.print(table)


def _describe(store: StoreErasure) -> str:
    from stream_app.schemas.topics import DAY_SECONDS

    match store.state:
        case "removed":
            counts = [f"{count} {name.replace('_', ' ')}" for name, count in store.removed.items() if count]
            return f"removed: {', '.join(counts) or 'nothing was there'}"
        case "announced":
            return "notified to remove the user"
        case "expires":
            if store.gone_by is None:
                return "never gone by retention: set retention.ms of the topic"
            within = -(-(store.expires_within or 0) // DAY_SECONDS)
            return f"gone by {store.gone_by}, within {within} days, by retention"
        case "elsewhere":
            return "not held here; events of the user in them are dropped if they are read again"
        case "anonymous":
            return "names nobody"
