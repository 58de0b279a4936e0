import re
from dataclasses import astuple
from pathlib import Path

from stream_app.models.recommenders import Blend, IndexLimits
from stream_app.models.recommenders.blend import (
    CLICKS_JUDGED_AT_FIRST,
    MOST_CLICKS_UNJUDGED,
    POPULARITY_DISCOUNT,
)

DOCUMENT = (Path(__file__).parents[2] / "docs/recommendations.md").read_text("utf-8")


def rows_under(header: str) -> list[list[str]]:
    _, found, rest = DOCUMENT.partition(f"\n| {header} |")
    assert found, f"no table with the header {header}"
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def test_every_level_is_explained() -> None:
    assert [row[0].strip("`") for row in rows_under("level")] == [source.name for source in Blend().sources]


def test_the_caps_are_those_of_the_index() -> None:
    assert [int(row[1].replace(",", "")) for row in rows_under("cap")] == list(astuple(IndexLimits()))


def test_the_reading_limits_are_those_of_the_sources() -> None:
    nearest, rules, walk = Blend().sources[:3]
    numbers = re.search(r"at most (\d+) clicks.+?\), (\d+) for.+?and\s+(\d+) for", DOCUMENT, re.DOTALL)
    assert numbers is not None
    assert [int(number) for number in numbers.groups()] == [
        nearest.settings.clicks_per_item,
        rules.settings.clicks,
        walk.settings.clicks,
    ]


def test_how_often_sources_are_judged_is_as_told() -> None:
    told = (
        f"first {CLICKS_JUDGED_AT_FIRST} clicks judge so, then ever fewer, down to one in "
        f"{MOST_CLICKS_UNJUDGED + 1}"
    )
    assert told in " ".join(DOCUMENT.split())


def test_the_discount_of_popular_items_is_as_told() -> None:
    assert POPULARITY_DISCOUNT == 0.1
    assert "tenth root of an item's clicks" in DOCUMENT
