"""An oracle of declared features: keeps every use, and computes each feature anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import NamedTuple
from zlib import crc32

from stream_app.definitions.features import FeatureDefinition
from stream_app.definitions.spans import DAY, seconds_of
from stream_app.intake.use import Use

Value = float | str


class Counted(NamedTuple):
    at: float
    value: Value


def expected(
    features: Sequence[FeatureDefinition],
    uses: Sequence[Use],
    at: float,
    gap: float,
    begun: dict[int, int] | None = None,
) -> dict[str, Value]:
    """Features at `at`; `begun` says from which use on a series (by version) counts."""
    found: dict[str, Value] = {}
    for feature in features:
        for series in feature.series:
            since = (begun or {}).get(series.version, 0)
            counted = _counted(feature, uses[since:])
            if series.tiling is not None:
                last = at // series.tiling.hop
                counted = [
                    each
                    for each in counted
                    if last - series.tiling.behind <= each.at // series.tiling.hop <= last
                ]
            elif series.window == "session":
                start = _session_start(features, uses, at, gap)
                counted = [each for each in counted if start is not None and each.at >= start]
            read = _joined(feature, counted, at) if counted else {}
            if not read and feature.missing == "zero":
                read = {"": 0}
            found.update((series.name + suffix, value) for suffix, value in read.items())
    return found


def _counted(feature: FeatureDefinition, uses: Sequence[Use]) -> list[Counted]:
    counted: list[Counted] = []
    for use in uses:
        if not _is_meant(feature, use):
            continue
        if feature.value is None:
            counted.append(Counted(use.at, 1))
            continue
        given = use.properties.get(feature.value)
        for value in given if isinstance(given, list) else [given]:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if feature.aggregate in {"sum", "mean", "least", "greatest", "decayed_rate"}:
                if is_number:
                    counted.append(Counted(use.at, value))
            elif is_number and feature.aggregate in {"first", "last", "newest"}:
                counted.append(Counted(use.at, value))
            elif value is not None and value != "":
                counted.append(Counted(use.at, _text(value)[: feature.longest]))
    return counted


def _is_meant(feature: FeatureDefinition, use: Use) -> bool:
    for match in feature.events:
        if use.type != match.type or (match.name is not None and use.name != match.name):
            continue
        for condition in match.where:
            value = use.properties.get(condition.property)
            if condition.at_least is not None and not (
                isinstance(value, int | float) and not isinstance(value, bool) and value >= condition.at_least
            ):
                break
            if condition.is_ is not None and value != condition.is_:
                break
        else:
            return True
    return False


def _session_start(
    features: Sequence[FeatureDefinition], uses: Sequence[Use], at: float, gap: float
) -> float | None:
    of_sessions = [feature for feature in features if "session" in feature.windows]
    times = sorted(
        use.at for use in uses if use.is_presence or any(_counted(feature, [use]) for feature in of_sessions)
    )
    if not times or at - times[-1] > gap:
        return None
    start = times[-1]
    for time in reversed(times):
        if start - time > gap:
            break
        start = time
    return start


def _joined(feature: FeatureDefinition, counted: list[Counted], at: float) -> dict[str, Value]:
    values = [each.value for each in counted]
    in_time = sorted(counted, key=lambda each: (each.at, isinstance(each.value, str), each.value))
    tally = Counter(_text(value) for value in values)
    ranked = sorted(tally, key=lambda text: (-tally[text], text))
    match feature.aggregate:
        case "count":
            return {"": len(values)}
        case "sum":
            return {"": sum(values)}
        case "mean":
            return {"": sum(values) / len(values)}
        case "least":
            return {"": min(values)}
        case "greatest":
            return {"": max(values)}
        case "first":
            earliest = [each for each in in_time if each.at == in_time[0].at]
            return {"": earliest[-1].value}
        case "last":
            return {"": in_time[-1].value}
        case "newest":
            return {f"_{rank}": each.value for rank, each in enumerate(in_time[::-1][: feature.keep], 1)}
        case "most_frequent":
            return {f"_{rank}": text for rank, text in enumerate(ranked[: feature.keep], 1)}
        case "share":
            return {f"_{text}": tally[text] / len(values) for text in ranked[: feature.keep]}
        case "distinct":
            bits = len({crc32(text.encode()) >> 26 for text in tally})
            return {"": -64 * log((64 - bits) / 64)}
        case "decayed_rate":
            half_life = seconds_of(feature.half_life)
            return {"": sum(each.value * 0.5 ** ((at - each.at) / half_life) for each in counted)}
        case "streak":
            days = {int(each.at // DAY) for each in counted}
            day = max(days)
            return {"": next(length for length in range(1, 100) if day - length not in days)}
        case "time_since":
            return {"": (at - in_time[-1].at) / DAY}
        case _:
            raise AssertionError(feature.aggregate)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
