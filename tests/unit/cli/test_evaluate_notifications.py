from pathlib import Path

import orjson
import pytest
from support.command_line import CommandLine

from stream_app.evaluation.notifications.report import POLICIES

SMALL = ("evaluate", "notifications", "--users", "40", "--days", "8")


def test_the_report_is_one_object(command_line: CommandLine) -> None:
    ended = command_line.run(*SMALL, "--json")
    assert orjson.loads(ended.out)["policies"].keys() == set(POLICIES)


def test_the_table_names_every_policy(command_line: CommandLine) -> None:
    ended = command_line.run(*SMALL)
    assert [name for name in POLICIES if name not in ended.out] == []
    assert "No rule was broken." in ended.out


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (("--users", "0"), "--users is 0: write"),
        (("--days", "731"), "--days is 731: write"),
        (("--seed", "-1"), "--seed is -1: write"),
        (("--campaign", "nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(command_line: CommandLine, wrong: tuple[str, str], says: str) -> None:
    command_line.run("evaluate", "notifications", *wrong).assert_refused(says)


def test_a_wrong_campaign_file_is_told_with_its_line(command_line: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("version = 1\nnaem = 'x'\n")
    ended = command_line.run("evaluate", "notifications", "--campaign", path)
    assert ended.code == 2
    assert "line 2: naem: Extra inputs are not permitted" in ended.err
