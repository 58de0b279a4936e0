"""Snowplow's archive of enriched events: lines of 131 fields, separated by tabs, without a header."""

from __future__ import annotations

from stream_app.intake.sources.data_sets.declaration import DataSet

FEWEST_TABS = 100


def is_enriched_line(line: str) -> bool:
    """Whether a line has the number of fields that only this table has."""
    return line.count("\t") > FEWEST_TABS


DATA_SET = DataSet(
    name="snowplow_archive",
    summary="Snowplow's archive of enriched events, as its loaders keep it",
    events=lambda _: iter(()),
    is_of_lines=True,
)
