import re
from pathlib import Path

from stream_app.intake.trackers import Form, context_places, field_values, json_records, kept_fields, segment
from stream_app.intake.trackers import snowplow_payload as payload

TEXT = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text()


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_page_lists_every_form_in_order() -> None:
    assert re.findall(r"^\| `(\w+)` \|", section("Forms"), re.MULTILINE) == list(Form)


def test_the_page_states_every_bound() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([\d,]+) \|$", section("What is kept of other fields"), re.MULTILINE)
    assert [int(row.replace(",", "")) for row in rows] == [
        kept_fields.MAX_FIELDS,
        kept_fields.MAX_TEXT,
        kept_fields.MAX_NAME,
        kept_fields.MAX_DEPTH,
        json_records.MAX_EVENTS,
        segment.MAX_SHARED_CONTEXT,
        payload.MAX_PARAMETERS,
    ]
    for limit in (context_places.MAX_URL, context_places.MAX_USER_AGENT, context_places.MAX_TEXT):
        assert f"{limit:,}" in TEXT
    assert f"event names to {field_values.MAX_EVENT_NAME}" in TEXT
