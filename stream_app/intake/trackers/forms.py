"""The forms in which trackers send events: discovered in this folder, detected by shape, read into events.

A module or folder in this folder with `FORMS` declares forms; their names are nowhere else.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from stream_app.intake.trackers.declaration import FormSetting, TrackerForm
from stream_app.intake.trackers.json_records import Unreadable, parse_json


def _declared() -> dict[str, TrackerForm]:
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = [import_module(f"{__package__}.{name}") for name in names]
    declared: list[TrackerForm] = [form for module in modules for form in getattr(module, "FORMS", ())]
    declared.sort(key=lambda form: (not form.is_canonical, form.name))
    return {form.name: form for form in declared}


FORMS: Mapping[str, TrackerForm] = _declared()
(CANONICAL,) = (form for form in FORMS.values() if form.is_canonical)
IN_ORDER_OF_ASKING = sorted(FORMS.values(), key=lambda form: form.is_broad)
FORM_SETTINGS: tuple[FormSetting, ...] = tuple(
    setting for form in FORMS.values() for setting in form.settings
)


def read(value: bytes, form: str) -> list[dict[str, Any]]:
    """The canonical events of a record in order, as plain objects with camelCase keys; a batch has several.

    Missing fields stay missing: the contract decides whether an event is complete.

    Raises:
        Unreadable: the record does not have this form.
    """
    return FORMS[form].read(value)


def detect(value: bytes) -> str:
    """The name of a record's form by its shape; the canonical form if undecided."""
    record = _first_object(value)
    return next((form for form in IN_ORDER_OF_ASKING if _claims(form, value, record)), CANONICAL).name


def claims(form: TrackerForm, value: bytes) -> bool:
    """Whether a form claims a record by its shape, regardless of other forms."""
    return _claims(form, value, _first_object(value))


def _claims(form: TrackerForm, value: bytes, record: Mapping[str, Any] | None) -> bool:
    if record is not None:
        return form.claims(record)
    return value.lstrip()[:1] not in {b"{", b"["} and form.claims_text(value)


def _first_object(value: bytes) -> Mapping[str, Any] | None:
    if value.lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        parsed = parse_json(value)
    except Unreadable:
        return None
    record = parsed[0] if isinstance(parsed, list) and parsed else parsed
    return record if isinstance(record, dict) else None
