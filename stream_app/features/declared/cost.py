"""What declared features cost: measured on the machine that will pay it."""

from __future__ import annotations

from collections import Counter
from timeit import timeit

from stream_app.definitions.features import NUMERIC, FeatureDefinition
from stream_app.definitions.file import Definitions
from stream_app.features.declared.engine import engine_of
from stream_app.features.declared.state import DeclaredState
from stream_app.intake.use import Use

ROUNDS = 2_000


def seconds_per_event(definitions: Definitions) -> float:
    """Seconds that an event of the kind that counts in the most features takes, whatever conditions say."""
    kinds = Counter(
        kind
        for feature in definitions.features
        for kind in {(match.type, match.name) for match in feature.events}
        for _ in feature.windows
    )
    if not kinds:
        return 0.0
    [((event_type, name), _)] = kinds.most_common(1)
    engine = engine_of(definitions)
    state = DeclaredState(engine.versions)
    given: dict[str, object] = {}
    for feature in definitions.features:
        _fill(given, feature)
    uses = iter([Use(1.7e9 + 60.0 * number, event_type, name, given) for number in range(ROUNDS)])
    return timeit(lambda: engine.apply(state, next(uses)), number=ROUNDS) / ROUNDS


def _fill(given: dict[str, object], feature: FeatureDefinition) -> None:
    if feature.value is None:
        return
    *outer, last = feature.value.split(".")
    for name in outer:
        within = given.setdefault(name, {})
        if not isinstance(within, dict):
            return
        given = within
    given.setdefault(last, 12.5 if feature.aggregate in NUMERIC else "something")
