"""`stream-app definitions`: what it says of a file, and where a setting names one that is wrong."""

from pathlib import Path

import jsonschema
import orjson
import pytest
from typer.testing import CliRunner

from stream_app.cli.main import app
from stream_app.errors import InputError, SettingsError
from stream_app.settings.loading import load_settings

RUN = CliRunner()
GOOD = """[[features]]
name = "orders"
about = "Orders"
events = { type = "track", name = "Order Completed" }
aggregate = "count"
windows = ["7d", "session"]
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(GOOD)
    return path


def test_check_shows_what_features_take(good: Path) -> None:
    done = RUN.invoke(app, ["definitions", "check", str(good), "--json"])
    answer = orjson.loads(done.stdout)
    assert answer["features"].keys() == {"orders_7d", "orders_session"}
    assert sum(answer["features"].values()) < answer["most_bytes"] < answer["limit"] == 4_096
    assert answer["microseconds_per_event"] > 0
    assert "orders_7d" in RUN.invoke(app, ["definitions", "check", str(good)]).stdout


def test_check_names_every_mistake(good: Path) -> None:
    good.write_text(GOOD.replace('"7d"', '"7w"').replace("about", "abut"))
    done = RUN.invoke(app, ["definitions", "check", str(good)])
    assert isinstance(done.exception, InputError)
    assert "line 3, abut: there is no such field" in done.stderr
    assert "line 6, windows: write '7w' as a number and a unit" in done.stderr


def test_a_limit_can_be_set(good: Path) -> None:
    done = RUN.invoke(app, ["definitions", "check", str(good), "--set", "definitions_bytes=256"])
    assert isinstance(done.exception, InputError)
    assert "256 are allowed" in done.stderr


def test_list_shows_own_features_before_the_products(good: Path) -> None:
    done = RUN.invoke(app, ["definitions", "list", "--json", "--set", f"definitions={good}"])
    listed = orjson.loads(done.stdout)
    assert (listed[0]["name"], listed[0]["origin"]) == ("orders", "declared")
    assert {feature["origin"] for feature in listed[1:]} == {"built in"}


def test_the_schema_takes_what_the_reader_takes(good: Path) -> None:
    import tomllib

    schema = orjson.loads(RUN.invoke(app, ["definitions", "schema"]).stdout)
    check = jsonschema.Draft202012Validator(schema)
    text = GOOD.replace("{ type", "[{ type").replace('Completed" }', 'Completed" }]')
    assert check.is_valid(tomllib.loads(text))
    assert check.is_valid(tomllib.loads(GOOD))
    assert not check.is_valid(tomllib.loads(GOOD.replace("about", "abut")))


def test_a_setting_that_names_a_wrong_file_says_what_to_do(good: Path) -> None:
    good.write_text(GOOD.replace("about", "abut"))
    with pytest.raises(
        SettingsError, match=r"line 1, about: is missing \(and 1 more\); `stream-app definitions check"
    ):
        _ = load_settings([f"definitions={good}"]).rules
