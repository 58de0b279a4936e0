from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.errors import SettingsError
from stream_app.intake.cleaning.taxonomy import MAX_FIELDS, classify_url, load_taxonomy, shipped_taxonomy


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("https://www.lendingclub.com/", ("finance/loan",)),
        ("https://shop.example.com/personal-loans/apply", ("finance/loan",)),
        ("https://shop.example.com/credit-card/gold", ("finance/credit_card",)),
        ("https://shop.example.com/creditcards", ("finance/credit_card",)),
        ("https://example.com/Kreditkarte", ("finance/credit_card",)),
        ("https://example.com/credit%20card", ("finance/credit_card",)),
        ("https://example.com/mortgage_rates", ("finance/mortgage",)),
        ("https://www.hsbc.co.uk/", ("finance/bank",)),
        ("https://www.allianz.de/", ("finance/insurance",)),
        ("https://www.coinbase.com/price/bitcoin", ("finance/investment",)),
        ("https://www.nerdwallet.com/", ("finance",)),
        ("https://www.nerdwallet.com/mortgages", ("finance/mortgage",)),
        ("https://www.hsbc.co.uk/mortgages/", ("finance/bank", "finance/mortgage")),
        ("https://example.com/home-loan", ("finance/mortgage",)),
        ("https://example.com/power-bank", ("technology",)),
        ("https://example.com/food-bank", ("food",)),
        ("https://www.booking.com/hotel/fr/x.html", ("travel",)),
        ("https://www.webmd.com/", ("health",)),
        ("https://www.bbc.co.uk/sport/football/123", ("news", "sports")),
        ("https://news.yahoo.com/", ("news",)),
        ("https://finance.yahoo.com/", ("finance",)),
        ("https://example.com/d%C3%A9co/recettes", ("food",)),
        ("https://jobs.example.com/", ("jobs",)),
        ("https://zillow.com/", ("real_estate",)),
        ("https://www.zooplus.de/", ("pets",)),
        ("https://www.sephora.fr/", ("beauty",)),
        ("https://www.ikea.com/", ("home",)),
        ("/courses/python", ("education",)),
        ("https://shop.example.com/", ()),
        ("https://example.com/loaned/autocar/bankable/scarf", ()),
        ("https://notlendingclub.com/", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_fields_of_pages(url, fields):
    assert classify_url(url) == fields


def test_the_shipped_fields_are_those_that_are_promised():
    fields = shipped_taxonomy().fields
    kinds = {field.partition("/")[2] for field in fields if field.startswith("finance/")}
    assert kinds == {"loan", "credit_card", "mortgage", "bank", "insurance", "investment"}
    assert len({field.partition("/")[0] for field in fields} - {"finance"}) >= 12


def test_at_most_four_fields():
    url = "https://example.com/hotels/doctors/soccer/news/laptops/shoes"
    assert classify_url(url) == ("travel", "health", "sports", "news")
    assert MAX_FIELDS == 4


def test_a_taxonomy_of_one_s_own_replaces_the_shipped_one(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text('[boats]\nwords = ["boat", "sailing yacht"]\ndomains = ["yachts.*"]\n', encoding="utf-8")
    taxonomy = load_taxonomy(own)
    assert classify_url("https://www.yachts.co.uk/", taxonomy) == ("boats",)
    assert classify_url("https://example.com/sailing-yacht", taxonomy) == ("boats",)
    assert classify_url("https://example.com/hotel", taxonomy) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[boats", "is not TOML"),
        ("", "has no field; write"),
        ("boats = 3", "it may have `words` and `domains`"),
        ("[boats]\nterms = ['boat']", "it may have `words` and `domains`"),
        ("[Boats]\nwords = ['boat']", "in lower case"),
        ('["a/b/c"]\nwords = ["boat"]', "a kind of one as"),
        ("[boats]\nwords = 'boat'", 'write words = \\["credit card"\\]'),
        ("[boats]\nwords = ['Boat']", "`Boat` in `words`"),
        ("[boats]\nwords = ['a b c d']", "`a b c d` in `words`"),
        ("[boats]\nwords = [3]", "`3` in `words`"),
        ("[boats]\ndomains = ['https://yachts.com']", "`https://yachts.com` in `domains`"),
        ("[boats]\ndomains = ['yachts']", "`yachts` in `domains`"),
        ("[boats]\nwords = ['boat']\n[ships]\nwords = ['boat']", r"in \[boats\] and in \[ships\]"),
    ],
)
def test_errors_say_what_to_write(tmp_path: Path, text: str, sentence: str):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        load_taxonomy(path)


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_taxonomy(tmp_path / "absent.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"[caf\xe9]")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_taxonomy(latin)


@given(st.text(), st.text())
def test_no_url_raises_and_only_known_fields_come(host, path):
    fields = classify_url(f"https://{host}/{path}")
    assert len(fields) <= MAX_FIELDS
    assert set(fields) <= set(shipped_taxonomy().fields)
