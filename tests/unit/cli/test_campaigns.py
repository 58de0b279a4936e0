"""Segments and campaigns on the command line, on a folder of people who came more or less often."""

import csv
import io
import tomllib
from pathlib import Path

import jsonschema
import orjson
import pytest
from support.command_line import CommandLine
from typer.testing import CliRunner

from stream_app.cli import main
from stream_app.planning.campaign_text import read_campaign, starter_text
from stream_app.planning.reasons import Reason
from stream_app.planning.segments import SEGMENTS
from stream_app.planning.table_import import TableError, turn_into_campaign
from stream_app.testing import event, page, track

DAY = 86_400.0
USERS, DAYS = 60, 12
REFUSES = "user-7"


def events() -> list[bytes]:
    """User n comes on every day that n allows, from the n-th on; every third buys, one refuses marketing."""
    values: list[tuple[float, bytes]] = []
    for number in range(USERS):
        user = f"user-{number}"
        allowed = {"context": {"consent": {"categoryPreferences": {"marketing": user != REFUSES}}}}
        for day in range(number % DAYS, DAYS - number % 5, 1 + number % 4):
            at = day * DAY + 3_600 * (8 + number % 12)
            values.append((at, page(user, at, "lamp", **allowed)))
            if number % 3 == 0:
                bought = {"orderId": f"{user}-{day}", "total": 20.0 + number}
                values.append((at + 60, track(user, at + 60, "Order Completed", bought)))
    values.append((DAYS * DAY, event("page", "last", DAYS * DAY)))
    return [value for _, value in sorted(values, key=lambda pair: pair[0])]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaigns")
    (folder / "events.jsonl").write_bytes(b"\n".join(events()))
    arguments = ["replay", str(folder / "events.jsonl"), "--data-dir", str(folder / "data"), "--json"]
    result = CliRunner().invoke(main.app, arguments)
    assert result.exception is None, result.output
    return folder / "data"


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    path = tmp_path / "starter.toml"
    path.write_text(starter_text(), "utf-8")
    return path


def test_every_user_is_in_one_segment(command_line: CommandLine, data_dir: Path) -> None:
    found = orjson.loads(command_line.run("segments", "--data-dir", data_dir, "--json").out)
    assert [each["segment"] for each in found["segments"]] == list(SEGMENTS)
    assert sum(each["users"] for each in found["segments"]) == found["users"] > USERS / 2
    assert sum(each["share"] for each in found["segments"]) == pytest.approx(1.0)
    absent = {each["segment"]: each["days_since_last_visit"] for each in found["segments"] if each["users"]}
    assert min(absent, key=absent.__getitem__) in {"Champions", "New", "Potentially Loyal"}
    assert max(absent, key=absent.__getitem__) in {"Lost", "Hibernating", "Cant Lose"}


def test_every_user_gets_a_plan_or_a_reason(command_line: CommandLine, data_dir: Path, starter: Path) -> None:
    ended = command_line.run("campaigns", "plan", starter, "--data-dir", data_dir, "--json")
    plans = [orjson.loads(line) for line in ended.out.splitlines()]
    known = {kind.name for kind in read_campaign(starter_text()).types}
    for plan in plans:
        assert (plan["type"] in known) == (plan["reason"] is None)
        assert plan["reason"] is None or plan["reason"] in {*Reason, "nothing_came_up"}
        assert plan["type"] is None or sum(plan["weighed"].values()) == pytest.approx(1.0)
    assert {plan["reason"] for plan in plans if plan["user_key"] == REFUSES} <= {Reason.NO_CONSENT}
    assert any(plan["type"] for plan in plans)
    assert command_line.run("campaigns", "plan", starter, "--data-dir", data_dir, "--json").out == ended.out


def test_the_summary_counts_the_same(command_line: CommandLine, data_dir: Path, starter: Path) -> None:
    ended = command_line.run("campaigns", "plan", starter, "--data-dir", data_dir)
    assert "Plans for" in ended.out
    assert "control_group" in ended.out


def test_the_schema_takes_the_starter(command_line: CommandLine) -> None:
    schema = orjson.loads(command_line.run("campaigns", "schema").out)
    jsonschema.validate(tomllib.loads(starter_text()), schema)


def test_a_right_file_is_told_to_be_right(command_line: CommandLine, starter: Path) -> None:
    ended = command_line.run("campaigns", "check", starter)
    assert ended.code == 0
    assert "23 types, 22 of them marketing" in ended.out


def table(columns: dict[str, list[int]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["", *columns])
    writer.writerows(
        [segment, *(cells[row] for cells in columns.values())] for row, segment in enumerate(SEGMENTS)
    )
    return text.getvalue()


ALL, NONE, FIRST = [1] * 11, [0] * 11, [1] + [0] * 10
WEEKLY = table({"a week": list(range(11))})


def test_tables_become_a_campaign(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        table({"News": ALL, 'Advice, "free"': FIRST, "Nothing": NONE}).replace("News", "Newsletters"), "utf-8"
    )
    (tmp_path / "f.csv").write_text(WEEKLY, "utf-8")
    tables = ("--mapping", tmp_path / "m.csv", "--frequency", tmp_path / "f.csv")
    ended = command_line.run("campaigns", "import", *tables, "--out", tmp_path / "out.toml")
    assert "'Nothing' suits no segment: it is left out" in ended.err
    campaign = read_campaign((tmp_path / "out.toml").read_text("utf-8"))
    assert [kind.name for kind in campaign.types] == ["Newsletters", 'Advice, "free"']
    assert campaign.types[1].segments == [SEGMENTS[0]]
    assert list(campaign.channels[0].caps.per_week_by_segment.values()) == list(range(11))
    again = command_line.run("campaigns", "import", *tables, "--out", tmp_path / "out.toml")
    again.assert_refused("is there already: name another file with --out")


def test_a_column_that_stands_twice_is_one_type() -> None:
    twice = table({"One": FIRST, "Two": [0, 1] + [0] * 9}).replace("Two", "One")
    imported = turn_into_campaign(twice, WEEKLY, read_campaign(starter_text()))
    assert read_campaign(imported.text).types[0].segments == list(SEGMENTS[:2])
    assert imported.remarks == ["'One' stands twice: it is one type for the segments of both columns"]


@pytest.mark.parametrize(
    ("mapping", "frequency", "says"),
    [
        ("", WEEKLY, "the mapping holds no table"),
        (table({"One": NONE}), WEEKLY, "gives no type to any segment"),
        (table({"One": ALL}).replace("Lost", "Losst"), WEEKLY, "is of 'Losst': write one of Champions"),
        (table({"One": ALL}), WEEKLY.replace("Lost,10", ""), "has no row for Lost"),
        (table({"One": ALL}).replace("Loyal,1", "Loyal,maybe"), WEEKLY, "holds 'maybe': write a number"),
        (table({"One": ALL}), WEEKLY.replace("Lost,10", "Lost,nan"), "holds 'nan': write a number"),
        (table({"One": ALL}), WEEKLY.replace("Lost,10", "Lost,1,2"), "has 2 values, not 1"),
    ],
)
def test_a_wrong_table_is_told(mapping: str, frequency: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        turn_into_campaign(mapping, frequency, read_campaign(starter_text()))
