"""What arrives, how it was understood, and why it failed; and what failed, taken in again once."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from support.command_line import CommandLine

from stream_app.cli.event_lines import sight_line, understood
from stream_app.intake.decoding import TimedEvent, decode
from stream_app.runtimes.common.intake import plain_intake
from stream_app.runtimes.embedded.store import Store
from stream_app.settings.rules import Rules
from stream_app.testing import RECEIVED_AT, event, page, track

LARGE = {"text": "x" * 3000}
SMALL = ("--set", "max_event_bytes=2048")


def sight(value: bytes) -> str:
    timed = decode(value, RECEIVED_AT, plain_intake().privacy, Rules())
    assert isinstance(timed, TimedEvent)
    return sight_line(understood(timed))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (page("u", 0, "sku-1"), "page item=sku-1"),
        (track("u", 0, "Order Completed", {"revenue": "12,50 €", "products": [{"sku": "s"}]}),
         "Order Completed items=s revenue=12.5"),
        (track("u", 0, "Order Completed", {"revenue": "1.234"}),
         "Order Completed revenue=0.0 dropped=properties.revenue"),
        (event("identify", "u", 0, anonymousId="anon", traits={"plan": "plus", "email": "p@example.org"}),
         "identify traits=plan anonymous=anon"),
    ],
)  # fmt: skip
def test_a_line_says_what_an_event_was_understood_to_be(value: bytes, told: str) -> None:
    moment, *words = sight(value).split()
    datetime.fromisoformat(moment)
    assert " ".join(words) == f"u {told}"


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture
def folder(tmp_path: Path, command_line: CommandLine) -> Path:
    """A data folder: one event was taken in, one was too large, one is of no type."""
    events = [
        {"type": "page", "userId": "u", "messageId": "1", "timestamp": now()},
        {"type": "track", "event": "Read", "userId": "u", "timestamp": now(), "properties": LARGE},
        {"type": "nope", "userId": "u", "messageId": "3", "timestamp": now()},
    ]
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"\n".join(map(orjson.dumps, events)))
    command_line.run("replay", source, "--data-dir", tmp_path / "data", *SMALL)
    return tmp_path / "data"


def test_what_failed_is_shown_with_its_reason(folder: Path, command_line: CommandLine) -> None:
    ended = command_line.run("events", "--data-dir", folder)
    assert ended.code == 0
    assert "FAILED too_large" in ended.out
    assert "FAILED unknown_type" in ended.out
    assert "0 events read, 2 failed" in ended.err
    newest = command_line.run("events", "--data-dir", folder, "--newest", 1, "--json").out
    assert [orjson.loads(line)["failed"] for line in newest.splitlines()] == ["unknown_type"]
    assert command_line.run("events", "--data-dir", folder, "--newest", 0).out == ""


def actions(folder: Path) -> dict[str, int]:
    with Store(folder, read_only=True) as store:
        [(_, _, row)] = list(store.rows())
    return {name: kind.count for name, kind in row.actions.items()}


def failures(folder: Path) -> list[str]:
    with Store(folder, read_only=True) as store:
        return [orjson.loads(body)["reason"] for body in store.outputs("failed_event")]


def test_what_is_mended_is_taken_in_once(folder: Path, command_line: CommandLine) -> None:
    assert actions(folder) == {}
    still = command_line.run("replay-failed", "--data-dir", folder, *SMALL)
    assert "0 taken in again, 2 can still not be read" in still.err
    assert failures(folder) == ["too_large", "unknown_type"]
    first = command_line.run("replay-failed", "--data-dir", folder)
    assert "1 taken in again, 1 can still not be read" in first.err
    assert (actions(folder), failures(folder)) == ({"Read": 1}, ["unknown_type"])
    again = command_line.run("replay-failed", "--data-dir", folder)
    assert "0 taken in again, 1 can still not be read" in again.err
    assert actions(folder) == {"Read": 1}


def test_what_is_late_waits_for_a_longer_lateness(tmp_path: Path, command_line: CommandLine) -> None:
    noon = "2026-03-02T12:00:00Z"
    events = [
        {"type": "page", "userId": "u", "timestamp": noon, "receivedAt": noon},
        {"type": "track", "event": "Read", "userId": "u", "timestamp": "2026-03-02T08:00:00Z"},
    ]
    source, data = tmp_path / "events.jsonl", tmp_path / "data"
    source.write_bytes(b"\n".join(map(orjson.dumps, events)))
    command_line.run("replay", source, "--data-dir", data)
    assert failures(data) == ["late"]
    told = command_line.run("replay-failed", "--data-dir", data).err
    assert "0 taken in again" in told
    assert "1 can be read but are later than the allowed 3600 s" in told
    told = command_line.run("replay-failed", "--data-dir", data, "--set", "allowed_lateness=86400").err
    assert "1 taken in again" in told
    assert (actions(data), failures(data)) == ({"Read": 1}, [])
