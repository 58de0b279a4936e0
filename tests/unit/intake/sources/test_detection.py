"""One detection for all files: the same events come out of every form, packing and encoding."""

import csv
import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from stream_app.errors import InputError
from stream_app.intake import trackers
from stream_app.intake.decoding import TimedEvent, decode
from stream_app.intake.sources.event_files import EventFile, open_events
from stream_app.intake.sources.json_documents import json_documents
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, page

RULES = Rules()
EVENTS = [page(f"user-{number}", number * 10.0, f"item-{number % 3}") for number in range(30)]
OBJECTS = [orjson.loads(event) for event in EVENTS]
FLAT = [
    {"user_id": f"u{number}", "item_id": f"i{number % 4}", "event": "view", "ts": 1_700_000_000 + number}
    for number in range(12)
]


def values_of(path: Path, skip: int = 0) -> list[bytes]:
    return [value for value, _ in EventFile(path).records(skip)]


def pretty(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)


JSON_FORMS: dict[str, bytes] = {
    "lines": b"\n".join(EVENTS),
    "array": orjson.dumps(OBJECTS),
    "pretty array": pretty(OBJECTS),
    "pretty objects one after the other": b"\n".join(map(pretty, OBJECTS)),
    "batch": orjson.dumps({"batch": OBJECTS}),
    "pretty batch": pretty({"batch": OBJECTS}),
    "lines of batches": b"\n".join(orjson.dumps({"batch": OBJECTS[at : at + 10]}) for at in (0, 10, 20)),
    "lines of arrays": b"\n".join(orjson.dumps(OBJECTS[at : at + 10]) for at in (0, 10, 20)),
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zstd of several frames": lambda data: b"".join(
        zstandard.ZstdCompressor().compress(part) for part in (data[:100], data[100:])
    ),
    "gzip in gzip": lambda data: gzip.compress(gzip.compress(data)),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "UTF-16 big endian": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda data: data.decode().encode("utf-16-le"),
    "gzip of UTF-16": lambda data: gzip.compress(data.decode().encode("utf-16")),
}


@pytest.mark.parametrize("form", JSON_FORMS)
def test_every_form_of_json_gives_the_same_events(tmp_path: Path, form: str) -> None:
    path = tmp_path / "no-suffix-that-says-anything"
    path.write_bytes(JSON_FORMS[form])
    assert [orjson.loads(value) for value in values_of(path)] == OBJECTS
    assert [orjson.loads(value) for value in values_of(path, 17)] == OBJECTS[17:]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("form", ["lines", "pretty array"])
def test_what_is_packed_or_of_another_encoding_is_read(tmp_path: Path, packing: str, form: str) -> None:
    path = tmp_path / "events"
    path.write_bytes(PACKINGS[packing](JSON_FORMS[form]))
    assert [orjson.loads(value) for value in values_of(path)] == OBJECTS
    assert [orjson.loads(value) for value in values_of(path, 29)] == OBJECTS[29:]


def table(rows: list[dict[str, object]], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def understood(value: bytes) -> TimedEvent:
    event = decode(value, 2e9, INTAKE.privacy, RULES)
    assert isinstance(event, TimedEvent), (value, event)
    return event


@pytest.mark.parametrize("delimiter", list(",\t;|\x01"))
def test_the_flat_form_is_read_with_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "clicks.txt"
    path.write_bytes(table(FLAT, delimiter))
    events = [understood(value) for value in values_of(path)]
    assert [(event.user_key, event.at) for event in events] == [(row["user_id"], row["ts"]) for row in FLAT]
    assert [event.event.properties["product_id"] for event in events] == [row["item_id"] for row in FLAT]


def test_a_table_may_call_its_columns_as_people_do(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(
        "event_time,event_type,product_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,cart,007,electronics.tv,acme,1302.48,541,s-1\n"
        "2019-10-01 00:00:04 UTC,view,8,,,20,541,s-1\n"
    )
    first, second = map(understood, values_of(path))
    assert (first.user_key, first.event.event, first.event.context.session_id) == (
        "541",
        "Product Added",
        "s-1",
    )
    assert first.event.properties["product_id"] == "007"
    assert first.event.properties["price"] == 1302.48
    assert second.event.type == "page"
    assert second.at - first.at == 4


def test_only_a_visitor_and_a_time_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "views.csv"
    path.write_text("session;item;time\n1;x;1700000000000\n")
    [event] = map(understood, values_of(path))
    assert (event.user_key, event.at, event.event.type) == ("1", 1_700_000_000.0, "page")


def test_parquet_is_read_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "events.bin"
    columns = {name: [row[name] for row in FLAT] for name in FLAT[0]}
    times = pyarrow.array([1_700_000_000_000 + n * 1000 for n in range(12)], pyarrow.timestamp("ms"))
    parquet.write_table(pyarrow.table({**columns, "ts": times}), path, row_group_size=5)
    source = EventFile(path)
    read = list(source.records(0))
    events = [understood(value) for value, _ in read]
    assert [(event.user_key, event.at) for event in events] == [(row["user_id"], row["ts"]) for row in FLAT]
    assert [value for value, _ in source.records(7)] == [value for value, _ in read][7:]
    assert read[-1][1] == source.size()


@pytest.mark.parametrize(
    ("module", "data"), [("zstandard", PACKINGS["zstd"](b"{}")), ("pyarrow", b"PAR1....")]
)
def test_what_an_extra_reads_is_named_where_it_is_not_installed(
    tmp_path: Path, module: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events"
    path.write_bytes(data)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"events.* `pip install 'stream-app\[files\]'`"):
        values_of(path)


def test_a_damaged_parquet_file_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(InputError, match=r"events\.parquet cannot be read"):
        values_of(path)


def test_one_bad_line_does_not_make_lines_a_document(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(b"\n".join([b"{bad", *EVENTS]))
    assert values_of(path) == [b"{bad", *EVENTS]


def test_json_that_is_cut_short_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(JSON_FORMS["pretty array"][:-20])
    with pytest.raises(InputError, match="events cannot be read: it ends within a JSON value"):
        values_of(path)


class Drip(io.RawIOBase):
    """A stream that gives one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, _count: int = -1) -> bytes:
        first, self.data = self.data[:1], self.data[1:]
        return first


@pytest.mark.parametrize("wrapped", [Drip, io.BytesIO], ids=["byte by byte", "whole"])
def test_where_the_bytes_are_cut_makes_no_difference(wrapped: Callable[[bytes], io.RawIOBase]) -> None:
    text = rb'[{"a":"}]\"{"},7,{"b":[{"c":[]}]} , "x" ,{}] {"d":1}{"e":"\\\\"}'
    assert list(json_documents(wrapped(text))) == [
        rb'{"a":"}]\"{"}', b"7", b'{"b":[{"c":[]}]}', b'"x"', b"{}", b'{"d":1}', rb'{"e":"\\\\"}',
    ]  # fmt: skip


def test_lines_of_a_tracker_stand_as_they_are(tmp_path: Path) -> None:
    archive = tmp_path / "part-00000"
    line = b"shop\tweb" + b"\t" * 129
    archive.write_bytes(line + b"\n" + line)
    assert values_of(archive) == [line, line]
    assert trackers.detect(line) == "snowplow_enriched"


def test_patterns_and_folders_name_their_files(tmp_path: Path) -> None:
    for name in (
        "b.jsonl.zst",
        "a.tsv.gz",
        "c.parquet",
        "part-00000",
        "notes.txt",
        ".hidden.csv",
        "_SUCCESS",
    ):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "d.json").touch()
    names = [Path(source.name).name for source in open_events([str(tmp_path)])]
    assert names == ["a.tsv.gz", "b.jsonl.zst", "c.parquet", "part-00000"]
    found = open_events([f"{tmp_path}/**/*.json", f"{tmp_path}/*.tsv*"])
    assert [Path(source.name).name for source in found] == ["d.json", "a.tsv.gz"]
    with pytest.raises(InputError, match="names no file"):
        open_events([f"{tmp_path}/*.xml"])
