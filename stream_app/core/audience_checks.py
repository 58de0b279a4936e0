"""Audiences that may be used: their features are there, and they refer to one another in no circle."""

from __future__ import annotations

from collections.abc import Iterator

from stream_app.conditions.watch import CircleError, Watch
from stream_app.definitions.conditions import Condition
from stream_app.definitions.features import LISTED
from stream_app.definitions.file import Definitions, DefinitionsError, Mistake
from stream_app.features.declared.engine import engine_of
from stream_app.features.reading import is_built_in

ON_A_CALENDAR = "inactive_days"


def check_audiences(definitions: Definitions) -> Definitions:
    """The same definitions, of which the audiences may be used.

    Raises:
        DefinitionsError: some may not.
    """
    lines = {
        audience.name: line
        for audience, line in zip(definitions.audiences, definitions.audience_lines, strict=False)
    }
    mistakes = [
        Mistake(lines.get(audience.name, 0), "when", problem)
        for audience in definitions.audiences
        for problem in _problems(audience.when, definitions)
    ]
    try:
        watch = Watch({audience.name: audience.when for audience in definitions.audiences})
        mistakes += [
            Mistake(lines.get(name, 0), "when", f"says just what {first} does: remove one")
            for name in lines
            if (first := watch.name_of(watch.version_of(name))) != name
        ]
    except CircleError as error:
        mistakes.append(Mistake(lines.get(error.name, 0), "when", str(error)))
    if mistakes:
        raise DefinitionsError(sorted(mistakes))
    return definitions


def _problems(condition: Condition, definitions: Definitions) -> Iterator[str]:
    for part in (*(condition.all_ or ()), *(condition.any_ or ()), *filter(None, [condition.not_])):
        yield from _problems(part, definitions)
    name = condition.feature
    if name is not None and not _is_known(name, definitions):
        yield f"there is no feature {name}; `stream-app definitions list` shows all"
    if name == ON_A_CALENDAR:
        yield f"{name} changes at midnight, where nobody asks: use recency_days"
    for kind, value in (("tier", condition.tier), ("chance", condition.chance)):
        if value is not None:
            yield f"{kind}: is decided at the end of a batch, and not at an event: no audience can ask for it"


def _is_known(name: str, definitions: Definitions) -> bool:
    return is_built_in(name) or any(
        name == kept.series.name
        or (kept.feature.aggregate in LISTED and name.startswith(f"{kept.series.name}_"))
        for kept in engine_of(definitions).kept
    )
