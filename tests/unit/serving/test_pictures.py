"""Pictures: well-formed, escaped, in proportion."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.serving.pictures import Bar, Part, Series, bars, columns, treemap
from stream_app.serving.pictures.numbers import ceiling, plain

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cc"]), max_size=40)
VALUES = st.floats(-1e9, 1e9)
HOSTILE = "</text><script>alert(1)</script>"


def rectangles(svg: str, kind: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(svg)
    return [each.attrib for each in root.iter() if each.tag.endswith("rect") and each.attrib["class"] == kind]


@given(rows=st.lists(st.builds(Bar, TEXTS, VALUES, st.none() | st.tuples(VALUES, VALUES), TEXTS), max_size=8))
def test_any_bars_are_a_picture_within_its_bounds(rows: list[Bar]) -> None:
    root = ElementTree.fromstring(bars("t", rows))
    _, _, width, _ = map(float, root.attrib["viewBox"].split())
    for each in root.iter():
        if each.tag.endswith("rect"):
            assert float(each.attrib["x"]) >= -0.1
            assert float(each.attrib["x"]) + float(each.attrib["width"]) <= width + 0.1


@given(sizes=st.lists(st.integers(0, 1_000_000), max_size=12))
def test_a_treemap_has_an_area_for_all_that_have_a_size(sizes: list[int]) -> None:
    root = ElementTree.fromstring(treemap("t", [Part(str(n), size) for n, size in enumerate(sizes)]))
    shown = [each.attrib for each in root.iter() if each.tag.endswith("rect")]
    assert len(shown) == sum(size > 0 for size in sizes)


def test_areas_are_as_large_as_what_they_stand_for() -> None:
    svg = treemap("t", [Part("a", 3), Part("b", 1)])
    root = ElementTree.fromstring(svg)
    first, second = (each.attrib for each in root.iter() if each.tag.endswith("rect"))
    area = [(float(each["width"]) + 4) * (float(each["height"]) + 4) for each in (first, second)]
    assert area[0] / area[1] == pytest.approx(3, rel=0.02)


def test_bars_are_as_long_as_their_values() -> None:
    svg = bars("t", [Bar("a", 2.0), Bar("b", 1.0)])
    first, second = rectangles(svg, "bar")
    assert float(first["width"]) == pytest.approx(2 * float(second["width"]), rel=0.01)


def test_stacked_columns_end_where_their_sum_is() -> None:
    svg = columns("t", ["1"], [Series("a", [3], "series-1"), Series("b", [1], "series-2")])
    lower, upper = (
        max(rectangles(svg, kind), key=lambda each: float(each["height"]))
        for kind in ("series-1", "series-2")
    )
    assert float(lower["height"]) == pytest.approx(3 * float(upper["height"]), rel=0.01)
    assert float(upper["y"]) + float(upper["height"]) == pytest.approx(float(lower["y"]), abs=0.2)


@pytest.mark.parametrize(
    "svg",
    [
        bars(HOSTILE, [Bar(HOSTILE, 1.0, note=HOSTILE)]),
        columns(HOSTILE, [HOSTILE], [Series(HOSTILE, [1.0]), Series(HOSTILE, [1.0])]),
        treemap(HOSTILE, [Part(HOSTILE, 1.0, HOSTILE)]),
    ],
)
def test_no_text_becomes_a_tag(svg: str) -> None:
    assert not re.search(r"<script", svg)
    ElementTree.fromstring(svg)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1.0, "1"), (1234, "1,234"), (1234.5, "1,234"), (0.99998, "1"), (0.01234, "0.0123"),
        ("iOS", "iOS"), (True, "True"), (-2.5, "-2.5"),
    ],
)  # fmt: skip
def test_numbers_are_as_people_read_them(value: object, text: str) -> None:
    assert plain(value) == text


@given(st.floats(1e-6, 1e9))
def test_an_axis_ends_at_or_above_what_it_shows(value: float) -> None:
    assert value <= ceiling(value) * 1.000001 <= 10.1 * value
