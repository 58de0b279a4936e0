"""`stream-app audiences`: previewed from events, and as a replay left them."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from stream_app.cli.main import app
from stream_app.errors import InputError, SettingsError
from stream_app.testing import page, track

RUN = CliRunner()
OWN = """
[[audiences]]
name = "buyers"
about = "Bought"
when = { event = { type = "track", name = "Order Completed" }, within = "7d" }
"""
DAY = 86_400.0


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    own, events = tmp_path / "own.toml", tmp_path / "events.jsonl"
    own.write_text(OWN)
    values = [track(f"u{n}", n * DAY, "Order Completed") for n in range(12)]
    values += [page(f"v{n}", 12 * DAY + n) for n in range(6)]
    events.write_bytes(b"\n".join(values) + b"\n")
    return own, events


def test_a_preview_counts_by_week_and_at_the_end(files: tuple[Path, Path]) -> None:
    own, events = files
    done = RUN.invoke(app, ["audiences", "preview", str(own), str(events), "--json"])
    answer = orjson.loads(done.stdout)
    assert answer["users"] == 18
    [buyers] = answer["audiences"]
    assert buyers["entered"] == {"2024-03-04": 7, "2024-03-11": 5}
    assert buyers["left"] == {"2024-03-11": 5}
    assert buyers["members"] == 7
    assert "buyers" in RUN.invoke(app, ["audiences", "preview", str(own), str(events)]).stdout


def test_members_are_listed_in_pages(files: tuple[Path, Path], tmp_path: Path) -> None:
    own, events = files
    common = ["--data-dir", str(tmp_path / "data"), "--set", f"definitions={own}"]
    assert RUN.invoke(app, ["replay", str(events), *common]).exit_code == 0
    assert orjson.loads(RUN.invoke(app, ["audiences", "list", "--json", *common]).stdout) == {"buyers": 7}
    first = RUN.invoke(app, ["audiences", "members", "buyers", "--limit", "3", "--json", *common]).stdout
    keys = [orjson.loads(line)["user_key"] for line in first.splitlines()]
    rest = RUN.invoke(app, ["audiences", "members", "buyers", "--after", keys[-1], *common]).stdout
    keys += [line.split()[0] for line in rest.splitlines()]
    assert keys == sorted(keys)
    assert set(keys) == {f"u{n}" for n in range(5, 12)}
    outputs = RUN.invoke(app, ["outputs", "--schema", "audience_change", *common[:2]]).stdout
    assert "entered buyers: Order Completed within 7d" in outputs


def test_unknown_and_undeclared_audiences_say_what_to_do(files: tuple[Path, Path], tmp_path: Path) -> None:
    own, _ = files
    done = RUN.invoke(app, ["audiences", "members", "x", "--set", f"definitions={own}"])
    assert isinstance(done.exception, InputError)
    assert "there are: buyers" in str(done.exception)
    assert isinstance(RUN.invoke(app, ["audiences", "list"]).exception, SettingsError)
