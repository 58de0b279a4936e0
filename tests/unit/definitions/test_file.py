"""Files of definitions: every mistake by its line and field, nothing that is not bounded."""

from pathlib import Path

import pytest

from stream_app.definitions.file import DefinitionsError, Mistake, parse_definitions, read_definitions
from stream_app.definitions.spans import tiling_of
from stream_app.features import windows
from stream_app.features.declared.bounds import most_bytes
from stream_app.features.declared.checking import check_definitions

GOOD = """[[features]]
name = "orders"
about = "Orders"
events = { type = "track", name = "Order Completed" }
aggregate = "count"
windows = ["7d"]
"""


OTHER = GOOD.replace('"orders"', '"orders_7d"').replace('windows = ["7d"]\n', "")


def mistakes_of(text: str, limit: int = 4_096) -> list[tuple[int, str, str]]:
    with pytest.raises(DefinitionsError) as raised:
        check_definitions(parse_definitions(text), limit)
    return [tuple(mistake) for mistake in raised.value.mistakes]


def test_a_good_file_is_read() -> None:
    [feature] = check_definitions(parse_definitions(GOOD)).features
    assert [series.name for series in feature.series] == ["orders_7d"]


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "says"),
    [
        ('windows = ["7d"]', f"windows = ['7d']\n{GOOD}", 8, "name", "is declared twice"),
        ('windows = ["7d"]', f"windows = ['7d']\n{OTHER}", 8, "name", "called too"),
        ('name = "orders"', 'name = "Orders"', 2, "name", "string should match pattern"),
        ('about = "Orders"', "", 1, "about", "is missing"),
        ('about = "Orders"', 'abuot = "Orders"', 3, "abuot", "there is no such field"),
        ('aggregate = "count"', 'aggregate = "counts"', 5, "aggregate", "must be 'count'"),
        ('aggregate = "count"', 'aggregate = "sum"', 1, "value", "sum needs the property"),
        ('aggregate = "count"', 'aggregate = "streak"', 6, "windows", "streak is over all time"),
        ('aggregate = "count"', 'aggregate = "count"\nvalue = "x"', 6, "value", "count takes none"),
        (
            'aggregate = "count"',
            'aggregate = "count"\nhalf_life = "7d"',
            6,
            "half_life",
            "decayed_rate alone",
        ),
        ('"7d"]', '"40d"]', 6, "windows", "a window lasts from 5m to 30d"),
        ('"7d"]', '"1439m"]', 6, "windows", "write a rounder span"),
        ('"7d"]', '"7d", "7d"]', 6, "windows", "names a window twice"),
        ('"7d"]', '"seven"]', 6, "windows", "a number and a unit"),
        ('type = "track"', 'type = "trakc"', 4, "events[0].type", "must be 'page'"),
        (
            '"Order Completed" }',
            '"x", where = [{ property = "p" }] }',
            4,
            "events[0].where[0]",
            "says nothing",
        ),
        (
            '"Order Completed" }',
            '"x", where = [{ property = "p", iss = 1 }] }',
            4,
            "events[0].where[0].iss",
            "",
        ),
        ('name = "orders"', 'name = "uses"\nmissing = "absent"', 0, "", ""),
        ('name = "orders"', 'name = "session_orders"', 2, "name", "a feature of the product's own"),
        ('name = "orders"', 'name = "events"', 2, "name", "a feature of the product's own"),
        ("windows = ", "windows = = ", 6, "", "no TOML"),
        ("[[features]]", "[[feature]]", 1, "feature", "there is no such field"),
        (
            'windows = ["7d"]',
            'windows = ["7d"]\n' + GOOD.replace('"orders"', '"other"'),
            8,
            "name",
            "just what",
        ),
    ],
)
def test_a_mistake_is_named_by_its_line_and_field(
    old: str, new: str, line: int, field: str, says: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if not line:
        assert parse_definitions(text)
        return
    found = mistakes_of(text)
    assert [says in problem for where, which, problem in found if (where, which) == (line, field)] == [True]


def test_fields_of_tables_of_their_own_are_found() -> None:
    text = GOOD.replace('events = { type = "track", name = "Order Completed" }\n', "")
    text += '\n[[features.events]]\ntype = "track"\n[[features.events]]\ntype = "tracked"\n'
    assert [tuple(mistake)[:2] for mistake in mistakes_of(text)] == [(10, "events[1].type")]


def test_what_is_not_bounded_is_refused_and_the_largest_named() -> None:
    text = GOOD + GOOD.replace('"orders"', '"names"').replace(
        '"count"', '"most_frequent"\nvalue = "name"\nkeep = 8\nlongest = 64'
    )
    _, largest, summary = mistakes_of(text)
    assert largest[:2] == (8, "windows")
    assert "names_7d may take" in largest[2]
    assert summary[0] == 0
    assert "4,096 are allowed" in summary[2]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(DefinitionsError, match="cannot be read: No such file"):
        read_definitions(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes('about = "é"'.encode("latin-1"))
    with pytest.raises(DefinitionsError, match="is not UTF-8"):
        read_definitions(tmp_path / "latin.toml")


def test_windows_are_divided_as_the_products_own() -> None:
    for window in windows.WINDOWS:
        assert tiling_of(window.name) == (window.hop, window.tile_count)


def test_mistakes_are_printed_with_their_place() -> None:
    assert str(Mistake(3, "name", "is missing")) == "line 3, name: is missing"
    assert str(Mistake(0, "", "too large")) == "too large"


def test_an_empty_file_declares_nothing() -> None:
    assert parse_definitions("").features == ()
    assert most_bytes(parse_definitions("")) < 32
