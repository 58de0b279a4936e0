import re
from pathlib import Path

import pytest

from stream_app.intake.sources.data_sets import DATA_SETS
from stream_app.intake.tracker_tables import FIELDS, TABLES, filled
from stream_app.intake.trackers import (
    FORMS,
    context_places,
    field_values,
    json_records,
    kept_fields,
    query_strings,
    segment,
)

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "inputs.md").read_text()


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("page", sorted({page for page, _ in TABLES.values()}))
def test_tables_are_those_of_the_declarations(page: str) -> None:
    text = (DOCS / page).read_text()
    assert filled(page, text) == text


def test_every_form_but_our_own_says_where_each_field_comes_from() -> None:
    for form in FORMS.values():
        assert set(form.fields) <= set(FIELDS)
        assert form.is_canonical or {"`userId`", "`type`"} <= set(form.fields)


def test_the_page_states_every_bound() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([\d,]+) \|$", section("What is kept of other fields"), re.MULTILINE)
    assert [int(row.replace(",", "")) for row in rows] == [
        kept_fields.MAX_FIELDS,
        kept_fields.MAX_TEXT,
        kept_fields.MAX_NAME,
        kept_fields.MAX_DEPTH,
        json_records.MAX_EVENTS,
        segment.MAX_SHARED_CONTEXT,
        query_strings.MAX_PARAMETERS,
    ]
    for limit in (context_places.MAX_URL, context_places.MAX_USER_AGENT, context_places.MAX_TEXT):
        assert f"{limit:,}" in TEXT
    assert f"event names to {field_values.MAX_EVENT_NAME}" in " ".join(TEXT.split())


def test_every_data_set_is_told_of() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section("Files"), re.MULTILINE)
    assert rows == sorted((known.name, known.summary) for known in DATA_SETS.values())
