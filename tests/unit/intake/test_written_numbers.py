import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.intake.written_numbers import read_number


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", 5), ("79.90", 79.9), ("79,90", 79.9), ("0.125", 0.125), ("0,125", 0.125), ("12.3456", 12.3456),
        ("1e3", 1000), ("2.5E-1", 0.25), ("-5", -5), ("\u22125 €", -5), ("+7", 7), (" 12 ", 12), (".5", 0.5),
        ("$1,234.56", 1234.56), ("€ 1.234,56", 1234.56), ("1 234,56 €", 1234.56), ("1\u202f234 €", 1234),
        ("CHF 1'234.50", 1234.5), ("1\u2019234", 1234), ("1.234.567", 1234567), ("1,234,567", 1234567),
        ("1,23,456.78", 123456.78), ("US$ 5", 5), ("5 USD", 5), ("R$ 10,00", 10), ("10 kr", 10),
        ("12 zł", 12), ("$-5", -5), ("-$5", -5), ("1,234.567", 1234.567), ("1234,567", 1234.567),
        ("₹ 99", 99), ("1.234,5", 1234.5),
    ],
)  # fmt: skip
def test_what_can_be_read_in_one_way_is_read(written: str, meant: float) -> None:
    assert read_number(written) == pytest.approx(meant)


@pytest.mark.parametrize("written", ["1,234", "1.234", "$1,234", "1.234 €", "12,345", "999.999"])
def test_what_may_mean_two_numbers_is_none(written: str) -> None:
    assert read_number(written) is None


@pytest.mark.parametrize(
    "written",
    ["", "abc", "$", "€5$", "1,2,3", "1.2.3", "12,34.5", "5%", "1  2", "5.", "1_000", "NaN", "Infinity",
     "٣", "1e999", "1,234,567.8.9", "1.234,5,6", "2026-03-02", "5 shoes", "0x10", "--5", "9" * 41],
)  # fmt: skip
def test_what_is_no_number_is_none(written: str) -> None:
    assert read_number(written) is None


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_not(written: str) -> None:
    read_number(written)


@settings(deadline=None)
@given(st.integers(-(10**12), 10**12).filter(lambda cents: cents % 10))
def test_two_ways_to_write_an_amount_are_one_amount(cents: int) -> None:
    amount = cents / 100
    assert read_number(f"{amount:,.2f}") == pytest.approx(amount)
    in_german = f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    assert read_number(f"{in_german} €") == pytest.approx(amount)
