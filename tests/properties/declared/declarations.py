"""Random declarations, and random uses that some of them are about."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

from hypothesis import strategies as st

from stream_app.definitions.features import (
    LISTED,
    NUMERIC,
    OVER_ALL_TIME,
    WITHOUT_VALUE,
    Aggregate,
    FeatureDefinition,
)
from stream_app.definitions.file import Definitions
from stream_app.intake.use import Use

GAP = 1_800.0
START = 1_709_539_200.0
WINDOWS = ("5m", "1h", "3h", "24h", "7d", "30d", "lifetime", "session")
EVENTS = [
    {"type": "track", "name": "added"},
    {"type": "track", "name": "bought"},
    {"type": "track"},
    {"type": "page"},
    {"type": "page", "name": "home"},
    {"type": "identify"},
]
CONDITIONS: list[list[dict[str, Any]]] = [
    [],
    [{"property": "price", "at_least": 10}],
    [{"property": "kind", "is": "book"}],
    [{"property": "kind", "is": "book"}, {"property": "price", "at_least": 5}],
]


@st.composite
def feature_lists(draw: st.DrawFn, windows: tuple[str, ...] = WINDOWS) -> Definitions:
    """Some declared features, each meaning something of its own."""
    made: dict[int, FeatureDefinition] = {}
    for place in range(draw(st.integers(1, 6))):
        feature = FeatureDefinition.model_validate(
            draw(declarations(windows)) | {"name": f"f{place}", "about": "A feature."}
        )
        if not any(series.version in made for series in feature.series):
            made |= dict.fromkeys((series.version for series in feature.series), feature)
    return definitions_of(*dict.fromkeys(made.values()))


def definitions_of(*features: FeatureDefinition) -> Definitions:
    return Definitions(features, GAP, digest=repr([feature.model_dump() for feature in features]))


@st.composite
def declarations(draw: st.DrawFn, windows: tuple[str, ...]) -> dict[str, Any]:
    aggregate = draw(st.sampled_from(get_args(Aggregate)))
    matches = draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=2, unique_by=repr))
    where = draw(st.sampled_from(CONDITIONS))
    declared: dict[str, Any] = {
        "aggregate": aggregate,
        "events": [match | {"where": where} for match in matches],
    }
    if aggregate not in WITHOUT_VALUE and not (aggregate == "decayed_rate" and draw(st.booleans())):
        is_number = aggregate in NUMERIC and aggregate != "distinct"
        declared["value"] = draw(st.sampled_from(["price", "prices"] if is_number else ["kind", "price"]))
    if aggregate == "decayed_rate":
        declared["half_life"] = draw(st.sampled_from(["1h", "2d"]))
    if aggregate not in OVER_ALL_TIME:
        declared["windows"] = draw(st.lists(st.sampled_from(windows), min_size=1, max_size=3, unique=True))
    if aggregate in LISTED:
        declared["keep"] = draw(st.integers(2, 4))
    if aggregate in NUMERIC:
        declared["missing"] = draw(st.sampled_from(["absent", "zero"]))
    return declared


def random_uses(random: Random, count: int, lateness: float = 3_600.0) -> list[Use]:
    """Uses in order of arrival, up to `lateness` seconds late; pauses from seconds to days."""
    now, uses = START, []
    for _ in range(count):
        now += random.choice([2.0, 60.0, 600.0, 1_800.0, 1_801.0, 20_000.0, 90_000.0])
        at = now - random.choice([0.0, 0.0, 0.0, random.uniform(0, lateness)])
        event_type = random.choice(["track", "track", "page", "identify"])
        name = {
            "track": random.choice(["added", "bought", "other"]),
            "page": random.choice(["home", "list", None]),
        }.get(event_type)
        given: dict[str, Any] = {"kind": random.choice(["book", "toy", "tool", True, "", None])}
        if random.random() < 0.8:
            given["price"] = random.choice([0, 5, 12, 2.5, 40.125, True, "12", None])
        given["prices"] = [random.choice([1, 2.5, "x", None]) for _ in range(random.randrange(3))]
        uses.append(Use(round(at, 3), event_type, name, given, is_presence=event_type != "identify"))
    return uses
