import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.intake.cleaning.search_terms import tokenise

GREEK = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Best Credit Cards for students", ("best", "credit", "cards", "students")),
        ("the a of", ()),
        ("Was ist die beste Versicherung für Hunde?", ("beste", "versicherung", "hunde")),
        ("comment choisir une assurance pour l'auto", ("choisir", "assurance", "auto")),
        ("hoteles baratos en la playa", ("hoteles", "baratos", "playa")),
        ("ricette di pasta senza glutine", ("ricette", "pasta", "glutine")),
        ("como fazer um empréstimo", ("fazer", "empréstimo")),
        ("goedkope vakantie naar de zee", ("goedkope", "vakantie", "zee")),
        ("used car vans and a hat sale", ("used", "car", "vans", "hat", "sale")),
        ("ＦＵＬＬ　ｗｉｄｔｈ", ("full", "width")),
        ("STRASSE Straße", ("strasse",)),
        ("हिन्दी समाचार", ("हिन्दी", "समाचार")),
        ("iphone 15 pro 256gb", ("iphone", "15", "pro", "256gb")),
        ("shoes shoes SHOES", ("shoes",)),
        ("alpha beta gamma delta epsilon zeta eta theta iota kappa", tuple(GREEK)),
        ("jane @example.com", ()),
        ("jane (at) example.com boots", ("boots",)),
        ("x" * 33 + " short", ("short",)),
        ("unknown", ()),
        (None, ()),
    ],
)
def test_tokens(text, tokens):
    assert tokenise(text) == tokens


@pytest.mark.parametrize(
    "personal",
    [
        "jane.doe@example.com",
        "jane.doe @ example.com",
        "jane.doe%40example.com",
        "jane(at)example.com",
        "@janedoe",
        "+49 151 23456789",
        "(0151) 234-56-78",
        "0151/2345678",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "AB123456C",
        "C01X00T47",
        "123-45-6789",
        "192.168.178.20",
        "2001:db8:85a3::8a2e:370:7334",
        "550e8400-e29b-41d4-a716-446655440000",
        "٠١٥١٢٣٤٥٦٧٨",
    ],
)
def test_what_looks_personal_is_dropped(personal):
    assert tokenise(f"shoes {personal} red") == ("shoes", "red")


@given(st.text(), st.sampled_from(["", "@", "+49 170 1234567", "\ud800"]))
def test_no_text_raises_and_what_comes_is_bounded(text, more):
    found = tokenise(text + more)
    assert len(found) <= 8
    assert all(0 < len(token) <= 32 for token in found)
    assert all("@" not in token and " " not in token for token in found)
    assert all(token == token.casefold() for token in found)


SEPARATED_DIGIT = st.tuples(
    st.sampled_from("0123456789"), st.sampled_from(["", " ", "-", ".", "/", ") ", " - ", "_", ", "])
)


@given(st.lists(SEPARATED_DIGIT, min_size=7, max_size=30))
def test_no_long_number_survives_however_it_is_written(digits):
    assert tokenise("+" + "".join(map("".join, digits))) == ()
