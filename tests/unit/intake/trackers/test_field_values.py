from datetime import datetime
from typing import Any

import pytest

from stream_app.intake.trackers.field_values import given, iso_time, number, pop_text, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1772438400, "2026-03-02T08:00:00.000Z"),
        (1772438400.25, "2026-03-02T08:00:00.250Z"),
        (1772438400084, "2026-03-02T08:00:00.084Z"),
        ("1772438400084", "2026-03-02T08:00:00.084Z"),
        ("2026-03-02T08:00:00+01:00", "2026-03-02T08:00:00+01:00"),
        ("yesterday", "yesterday"),
        ("", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_times(value: Any, expected: str | None) -> None:
    assert iso_time(value) == expected


@pytest.mark.parametrize("value", [10**17, 1e300, "9" * 40, -(10**17)])
def test_a_time_outside_of_all_calendars_stays_unreadable(value: Any) -> None:
    with pytest.raises(ValueError, match="isoformat"):
        datetime.fromisoformat(iso_time(value) or "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("9.99", 9.99), ("2", 2), ("-3", -3), (7, 7), (0, 0), (1.5, 1.5), ("1e2", 100.0)],
)
def test_numbers(value: Any, expected: float) -> None:
    found = number(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "value", ["", "x", "nan", "inf", "1_000", "--5", True, None, [], float("nan"), 2**63]
)
def test_no_numbers(value: Any) -> None:
    assert number(value) is None


@pytest.mark.parametrize(
    ("value", "expected"), [("abcdef", "abc"), ("", None), (5, "5"), (True, None), (None, None), ([], None)]
)
def test_texts_are_cut(value: Any, expected: str | None) -> None:
    assert text(value, 3) == expected


def test_the_first_given_name_counts_and_all_are_taken() -> None:
    fields = {"a": "", "b": 2, "c": "three", "d": "stays"}
    assert pop_text(fields, "a", "b", "c", "missing") == "2"
    assert fields == {"d": "stays"}


def test_zero_and_false_are_given() -> None:
    assert given(a=0, b=False, c="", d=None, e={}, f=[]) == {"a": 0, "b": False}
