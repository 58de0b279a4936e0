from itertools import product
from random import Random

import pytest

from stream_app.intake.consent import (
    ANALYTICS,
    MARKETING,
    PERSONALISATION,
    PURPOSES,
    UNSAID,
    agreed_purposes,
    consent_bits,
    is_agreed,
    update_consent,
)

ALL = ANALYTICS | PERSONALISATION | MARKETING


@pytest.mark.parametrize(("purpose", "default"), product(PURPOSES, range(ALL + 1)))
def test_who_has_not_said_agrees_to_the_default(purpose: str, default: int) -> None:
    agrees = bool(default & PURPOSES[purpose])
    assert is_agreed(UNSAID, PURPOSES[purpose], default) == agrees
    assert (purpose in agreed_purposes(UNSAID, default)) == agrees


@pytest.mark.parametrize("default", range(ALL + 1))
def test_who_has_said_does_not_follow_the_default(default: int) -> None:
    for said in range(ALL + 1):
        assert consent_bits(agreed_purposes(said, default)) == said
        assert [is_agreed(said, bit, default) for bit in PURPOSES.values()] == [
            bool(said & bit) for bit in PURPOSES.values()
        ]


@pytest.mark.parametrize("seed", range(20))
def test_the_last_word_on_each_purpose_counts(seed: int) -> None:
    random, default = Random(seed), Random(seed).randrange(ALL + 1)
    consent, words = UNSAID, {}
    for _ in range(10):
        said = {name: random.random() < 0.5 for name in PURPOSES if random.random() < 0.4}
        consent, words = update_consent(consent, said, default), words | said
        for name, bit in PURPOSES.items():
            assert is_agreed(consent, bit, default) == words.get(name, bool(default & bit))


def test_saying_anything_fixes_the_rest_as_it_stood() -> None:
    consent = update_consent(UNSAID, {"marketing": False}, default=ALL)
    assert consent == ANALYTICS | PERSONALISATION
    assert agreed_purposes(consent, default=0) == ["analytics", "personalisation"]


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("Advertising", MARKETING),
        (" targeting ", MARKETING),
        ("STATISTICS", ANALYTICS),
        ("performance", ANALYTICS),
        ("Personalization", PERSONALISATION),
        ("functional", PERSONALISATION),
        ("preferences", PERSONALISATION),
    ],
)
def test_consent_managers_names_are_known(name: str, bit: int) -> None:
    assert update_consent(UNSAID, {name: True}, default=0) == bit
    assert update_consent(ALL, {name: False}, default=0) == ALL & ~bit


@pytest.mark.parametrize("preferences", [{}, {"": False}, {"strictly necessary": False, "C0001": False}])
def test_what_names_no_purpose_says_nothing(preferences: dict[str, bool]) -> None:
    assert update_consent(UNSAID, preferences, default=0) == UNSAID
    assert update_consent(ANALYTICS, preferences, default=0) == ANALYTICS
