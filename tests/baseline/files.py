"""The forms of the baseline's files, as README.md describes them."""

import base64
import gzip
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from aiokafka import ConsumerRecord

FOLDER = Path(__file__).parent / "dc90abe"
FOLDER_KEY = b"a key for tests alone (32 bytes)"
SNAPSHOT_KEY = b"a key for tests alone"


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Lines, compressed; the same lines give the same bytes."""
    path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines), 9, mtime=0))


def read_lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def entry_line(entry: bytes | dict[str, Any]) -> bytes:
    """A stream's entry: an event's text, an event that is no text in base64, or an erasure."""
    if isinstance(entry, dict):
        return orjson.dumps(entry)
    try:
        return orjson.dumps(entry.decode())
    except UnicodeDecodeError:
        return orjson.dumps({"base64": base64.b64encode(entry).decode()})


def read_entry(line: bytes) -> bytes | dict[str, Any]:
    entry = orjson.loads(line)
    if isinstance(entry, str):
        return entry.encode()
    return base64.b64decode(entry["base64"]) if "base64" in entry else dict(entry)


def record_line(record: ConsumerRecord) -> bytes:
    """A record of a topic."""
    return orjson.dumps(
        {
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": _text(record.key),
            "value": _text(record.value),
            "headers": [[name, _text(value)] for name, value in record.headers],
        }
    )


def read_record(line: bytes, topic: str = "recorded") -> ConsumerRecord:
    told = orjson.loads(line)
    key, value = _bytes(told["key"]), _bytes(told["value"])
    headers = [(name, _bytes(text)) for name, text in told["headers"]]
    return ConsumerRecord(
        topic, told["partition"], told["offset"], told["timestamp"], 1, key, value, None,
        len(key or b""), len(value or b""), headers,
    )  # fmt: skip


def pack_folder(folder: Path, path: Path) -> None:
    """A folder as a compressed archive, without owners and times."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                member = tarfile.TarInfo(str(file.relative_to(folder)))
                member.size, member.mode = file.stat().st_size, 0o600
                with file.open("rb") as content:
                    archive.addfile(member, content)
    path.write_bytes(packed.getvalue())


def unpack_folder(path: Path, folder: Path) -> Path:
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
