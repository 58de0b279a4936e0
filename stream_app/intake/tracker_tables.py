"""The documentation tables that are generated from the declarations of tracker forms.

`python -m stream_app.intake.tracker_tables docs` writes them between markers such as `<!-- forms -->`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stream_app.intake.trackers.declaration import TrackerForm
from stream_app.intake.trackers.forms import FORMS

COLUMNS = 3  # forms per table, so that it fits a screen
FIELDS = (
    "`type`",
    "`messageId`",
    "`userId`",
    "`anonymousId`",
    "`timestamp`",
    "`originalTimestamp`, `sentAt`",
    "`receivedAt`",
    "`context.sessionId`",
    "`context.page`",
    "`context.ip`, `userAgent`",
    "`context.locale`, `timezone`",
    "`context.device`, `os`, `browser`",
    "`context.location`",
    "`context.campaign`",
    "`context.screen`, `app`, `library`",
    "`context.consent`",
    "`traits`",
)


def forms_table() -> str:
    """The table of forms: what each is and how it is recognised."""
    rows = [(f"`{form.name}`", form.summary, form.shape) for form in FORMS.values()]
    return _table(("Form", "What it is", "Recognised by"), rows)


def fields_table() -> str:
    """Where each canonical field comes from, one column per form, a few forms per table."""
    forms = [form for form in FORMS.values() if form.fields]
    tables = []
    for start in range(0, len(forms), COLUMNS):
        group = forms[start : start + COLUMNS]
        rows = [
            (field, *(form.fields.get(field, "") for form in group))
            for field in FIELDS
            if any(field in form.fields for form in group)
        ]
        tables.append(_table(("Ours", *(f"`{form.name}`" for form in group)), rows))
    return "\n\n".join(tables)


def names_table() -> str:
    """What each form's kinds of events become."""
    rows = [
        (f"`{form.name}`", kind, event) for form in FORMS.values() for kind, event in form.becomes.items()
    ]
    return _table(("Form", "From", "Becomes"), rows)


def senders_table() -> str:
    """What can send to the collector, how to configure it, and the paths."""
    rows = []
    for form in FORMS.values():
        paths = _paths(form)
        for sender, to_set in form.senders.items():
            rows.append((sender, to_set, paths))
            paths = "the same"
    return _table(("Tracker", "Set", "Paths"), rows)


TABLES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "forms": ("inputs.md", forms_table),
    "fields": ("inputs.md", fields_table),
    "names": ("inputs.md", names_table),
    "senders": ("collector.md", senders_table),
}


def filled(page: str, text: str) -> str:
    """Return a documentation page with its tables filled in.

    Raises:
        ValueError: the page lacks a table's markers.
    """
    for name, (of_page, make) in TABLES.items():
        if of_page == page:
            begin = text.index(f"<!-- {name} -->\n") + len(f"<!-- {name} -->\n")
            end = text.index(f"<!-- end of {name} -->")
            text = f"{text[:begin]}{make()}\n{text[end:]}"
    return text


def _paths(form: TrackerForm) -> str:
    paths = [f"`{path}`" for route in form.routes for path in route.paths]
    return ", ".join(dict.fromkeys(paths))


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)


if __name__ == "__main__":
    for _page in sorted({page for page, _ in TABLES.values()}):
        _path = Path(sys.argv[1]) / _page
        _path.write_text(filled(_page, _path.read_text("utf-8")), "utf-8")
