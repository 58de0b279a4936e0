from collections import Counter
from pathlib import Path

import orjson
import pytest

from stream_app.intake.trackers import FORMS, detect, read
from stream_app.schemas.events import EVENT_ADAPTER, EVENT_TYPES

GOLDEN = Path(__file__).parents[3] / "golden" / "trackers"
RECORDS = sorted(
    path
    for path in GOLDEN.glob("*/*")
    if path.suffix in {".json", ".tsv", ".txt"} and not path.name.endswith(".events.json")
)
every_record = pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}/{path.name}")


@every_record
def test_a_record_becomes_its_events(path: Path) -> None:
    expected = orjson.loads(path.with_name(f"{path.stem}.events.json").read_bytes())
    assert read(path.read_bytes(), path.parent.name) == expected


@every_record
def test_a_record_s_form_is_told_by_its_shape(path: Path) -> None:
    assert detect(path.read_bytes()) == path.parent.name


@every_record
def test_a_record_s_events_keep_the_contract(path: Path) -> None:
    for event in read(path.read_bytes(), path.parent.name):
        valid = EVENT_ADAPTER.validate_json(orjson.dumps(event), by_alias=True, by_name=False)
        assert valid.user_key
        # `gtag` sends no time: the collector's stands in.
        is_untimed = path.stem.startswith("gtag")
        assert is_untimed or valid.timestamp or (valid.original_timestamp and valid.sent_at)


def test_every_form_has_its_golden_records() -> None:
    counts = Counter(path.parent.name for path in RECORDS)
    assert set(counts) == set(FORMS)
    assert min(counts.values()) >= 6


def test_every_type_that_trackers_send_is_among_the_golden_events() -> None:
    types = {event["type"] for path in RECORDS for event in read(path.read_bytes(), path.parent.name)}
    assert types == set(EVENT_TYPES) - {"session", "label"}


def test_every_golden_event_file_belongs_to_a_record() -> None:
    expected = {path.with_name(f"{path.stem}.events.json") for path in RECORDS}
    assert expected == set(GOLDEN.glob("*/*.events.json"))


def test_an_enriched_event_is_the_same_in_tsv_and_in_json() -> None:
    folder = GOLDEN / "snowplow_enriched"
    line, record = ((folder / name).read_bytes() for name in ("page_view.tsv", "sdk_page_view.json"))
    assert read(line, "snowplow_enriched") == read(record, "snowplow_enriched")
