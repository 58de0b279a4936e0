"""Erasures on their way to the trainer, and the receipt that names the first snapshots without the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from stream_app.schemas.envelopes import Cause, output_id
from stream_app.schemas.outputs import (
    ModelErasure,
    Output,
    PrivacyReceipt,
    SourcePosition,
    StoreErasure,
    Unlearning,
    UserErased,
)


def unlearnings(outputs: Iterable[Output]) -> Iterator[Unlearning]:
    """What to tell the trainer about erased users, with the request if it was made here."""
    made = list(outputs)
    receipts = {_cause_of(output.source): output for output in made if isinstance(output, PrivacyReceipt)}
    for output in made:
        if isinstance(output, UserErased) and output.user_key is not None:
            cause = _cause_of(output.source)
            receipt = receipts.get(cause)
            yield Unlearning(
                id=output_id("unlearning", cause, output.user_key),
                user_key=output.user_key,
                as_of=output.as_of,
                emitted_at=output.emitted_at,
                source=output.source,
                request_id=receipt.request_id if receipt else None,
                subject=receipt.subject if receipt else None,
            )


@dataclass
class _Pending:
    told: Unlearning
    removed: Mapping[str, int]
    since: float
    stale: set[str]


class PendingUnlearning:
    """Users removed from the samples, kept until no published model has traces of them.

    Times are stopwatch seconds; models are identified by name.
    """

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def __bool__(self) -> bool:
        return bool(self._pending)

    @property
    def is_done(self) -> bool:
        """Whether a receipt can be sent once the models are published."""
        return any(not pending.stale for pending in self._pending.values())

    def add(self, told: Unlearning, removed: Mapping[str, int], stale: Iterable[str], at: float) -> None:
        """Note how many examples of a user were removed from each model, and which have traces left."""
        self._pending[told.id] = _Pending(told, removed, at, set(stale))

    def due(self, before: float) -> str | None:
        """Return a model with traces of a user who was erased before a time."""
        names = (min(p.stale) for p in self._pending.values() if p.stale and p.since <= before)
        return next(names, None)

    def mark_relearned(self, model: str) -> None:
        """Note that a model no longer has traces of any of these users."""
        for pending in self._pending.values():
            pending.stale.discard(model)

    def pop_receipts(self, training_offset: int, now: datetime) -> list[tuple[int, PrivacyReceipt]]:
        """Remove the users of whom no published model has traces; return their receipts with partitions."""
        done = [pending for pending in self._pending.values() if not pending.stale]
        by_request: dict[str, tuple[Unlearning, Counter[str]]] = {}
        for pending in done:
            del self._pending[pending.told.id]
            if pending.told.request_id is not None:
                _, sums = by_request.setdefault(pending.told.request_id, (pending.told, Counter()))
                sums.update(pending.removed)
        return [
            (told.source.partition, _receipt(told, removed, training_offset, now))
            for told, removed in by_request.values()
        ]


def _receipt(
    told: Unlearning, removed: Mapping[str, int], training_offset: int, now: datetime
) -> PrivacyReceipt:
    return PrivacyReceipt(
        id=output_id("privacy_receipt", _cause_of(told.source), "models"),
        user_key=None,
        as_of=told.as_of,
        emitted_at=now,
        source=told.source,
        request_id=told.request_id or "",
        kind="erase",
        subject=told.subject or "",
        stores=[
            StoreErasure(store="models", state="removed", removed={"examples": sum(removed.values())}),
        ],
        models=[
            ModelErasure(model=model, examples=count, training_offset=training_offset)
            for model, count in removed.items()
        ],
    )


def _cause_of(source: SourcePosition) -> Cause:
    return Cause(source.topic, source.partition, source.offset)
