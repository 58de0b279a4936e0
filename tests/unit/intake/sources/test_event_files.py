import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from stream_app.errors import InputError
from stream_app.intake.sources.event_files import EventFile, StandardInput, open_events
from stream_app.testing import page

EVENTS = [page(f"user-{number}", number) for number in range(20)]


def values(source: EventFile | StandardInput, skip: int = 0) -> list[bytes]:
    return [value for value, _ in source.records(skip)]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\n\n", b"\n  \n"])
def test_each_line_that_is_not_blank_is_a_value(tmp_path: Path, line_end: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line_end.join(EVENTS))
    source = EventFile(path)
    assert values(source) == EVENTS
    for skip in (0, 1, 7, 20):
        assert values(source, skip) == EVENTS[skip:]
    read = [so_far for _, so_far in source.records(0)]
    assert read == sorted(read)
    assert read[-1] <= source.size() == path.stat().st_size


def test_bytes_are_handed_on_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\xff\x00 bad \n{\n ok")
    assert values(EventFile(path)) == [b"\xff\x00 bad ", b"{", b" ok"]


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(EVENTS)))
    assert values(EventFile(path), 5) == EVENTS[5:]


def damaged_gzips() -> list[bytes]:
    whole = gzip.compress(b"\n".join(EVENTS * 50))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    return [whole[: len(whole) // 2], bytes(flipped)]


@pytest.mark.parametrize("data", damaged_gzips(), ids=["cut short", "damaged"])
def test_a_damaged_gzip_is_told_of(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"events\.jsonl\.gz cannot be read"):
        values(EventFile(path))


def test_a_file_that_has_shrunk_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(EVENTS))
    with pytest.raises(InputError, match="fewer than the 21 records"):
        values(EventFile(path), 21)


def test_folders_are_read_by_name_and_other_files_passed_over(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv", "c.ndjson.gz", "notes.txt", "d.json"):
        (tmp_path / name).touch()
    names = [Path(source.name).name for source in open_events([str(tmp_path)])]
    assert names == ["a.csv", "b.jsonl", "c.ndjson.gz", "d.json"]


def test_what_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist"):
        open_events([str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match=r"holds no \.jsonl"):
        open_events([str(tmp_path)])
    with pytest.raises(InputError, match="write - once"):
        open_events(["-", "-"])


def test_standard_input_is_live_and_goes_on_behind_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    [source] = open_events(["-"])
    assert source.is_live
    assert source.size() is None
    piped = b"\n".join(EVENTS)
    for skip in (0, 4, 20):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(piped)))
        assert values(source, skip) == EVENTS[skip:]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(piped)))
    with pytest.raises(InputError, match="ends before the 21 records"):
        values(source, 21)


def csv_values(tmp_path: Path, text: str | bytes) -> list[dict[str, object]]:
    path = tmp_path / "events.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [orjson.loads(value) for value in values(EventFile(path))]


def test_csv_headers_name_fields_with_dots_for_what_lies_inside(tmp_path: Path) -> None:
    text = (
        "\ufefftype,userId,timestamp,event,properties.product_id,properties.price,context.device.type\n"
        'track,5,2024-03-04T08:00:00Z,"Product ""X"", seen",0042,1.50,mobile\n'
        "\n"
        "page,u,2024-03-04T08:00:01Z,,,,\n"
    )
    assert csv_values(tmp_path, text) == [
        {
            "type": "track",
            "userId": "5",
            "timestamp": "2024-03-04T08:00:00Z",
            "event": 'Product "X", seen',
            "properties": {"product_id": "0042", "price": 1.5},
            "context": {"device": {"type": "mobile"}},
        },
        {"type": "page", "userId": "u", "timestamp": "2024-03-04T08:00:01Z"},
    ]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("7", 7), ("-7", -7), ("0", 0), ("1.5", 1.5), ("1e3", 1000.0), ("007", "007"), ("1_000", "1_000"),
        ("nan", "nan"), ("inf", "inf"), ("1e999", "1e999"), ("٣", "٣"), (" 7", " 7"), ("true", "true"),
        ("9" * 18, int("9" * 18)), ("9" * 19, "9" * 19), ("+7", "+7"), ("x", "x"),
    ],
)  # fmt: skip
def test_numbers_in_properties_are_those_of_json(tmp_path: Path, cell: str, value: object) -> None:
    [event] = csv_values(tmp_path, f"type,timestamp,properties.x\npage,0,{cell}\n")
    assert event["properties"] == {"x": value}
    assert event["timestamp"] == "0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour,size\nred,0\n", "does not begin with a header of event fields: it has colour, size"),
        ("type,timestamp\npage,0,1\n", "line 2: 3 cells, the header has 2"),
        ('type,timestamp\npage,0\n"pa\nge"\n', "line 4: 1 cells, the header has 2"),
        ("type,timestamp,properties,properties.x\n", "properties is given twice"),
        ("type,timestamp,type\n", "type is given twice"),
        (b"type,timestamp\npage,\xff\n", "events.csv, near line"),
        ("type,timestamp\npage," + "x" * 200_000, "near line 2: field larger than field limit"),
    ],
)
def test_what_is_no_event_csv_is_told_of_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        csv_values(tmp_path, text)


def test_gzipped_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.csv.gz"
    path.write_bytes(gzip.compress(b"type,timestamp\npage,0\n"))
    assert values(EventFile(path)) == [b'{"type":"page","timestamp":"0"}']
