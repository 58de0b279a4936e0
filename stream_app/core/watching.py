"""A user's audiences in their row: facts noted as events come and time passes, nothing told yet."""

from __future__ import annotations

from functools import lru_cache
from math import inf

from stream_app.conditions.state import AudienceState, Fact, Told
from stream_app.conditions.watch import Change, Watch
from stream_app.definitions.conditions import Condition
from stream_app.definitions.file import Definitions
from stream_app.features.aging import next_aging
from stream_app.features.reading import read_features, reading_of
from stream_app.features.user_row import UserRow
from stream_app.intake.use import use_of
from stream_app.intake.wire import Event
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.topics import EVENTS, LINKS
from stream_app.settings.rules import Rules

MOST_AGINGS = 64  # at once: of a user who was silent for long, the answers of the last ones count


@lru_cache(maxsize=16)
def watch_of(definitions: Definitions) -> Watch:
    """The conditions of the audiences."""
    return Watch({audience.name: audience.when for audience in definitions.audiences})


def cause_number(cause: Cause) -> int:
    """A record of the user's partition, as a fact keeps it."""
    return cause.offset * 2 + (cause.topic == LINKS.name)


def cause_of_number(number: int, partition: int) -> Cause:
    """The record that a fact came with."""
    return Cause(LINKS.name if number % 2 else EVENTS.name, partition, number // 2)


def follow(row: UserRow, rules: Rules) -> AudienceState:
    """The row's audiences as the definitions have them now."""
    watch = watch_of(rules.definitions)
    if row.audiences is None:
        row.audiences = AudienceState(watch=watch.begin())
    row.audiences.watch = watch.follow(row.audiences.watch)
    return row.audiences


def note_event(row: UserRow, event: Event, at: float, cause: Cause, rules: Rules) -> None:
    """Note an event that the row has just taken in.

    What a late event changes of the row's state is changed as of the user's newest event: what was answered
    between them was right for all that was known.
    """
    use = use_of(event, at)
    if use is None:
        return
    audiences, watch = follow(row, rules), watch_of(rules.definitions)
    matched, number = watch.matched(use), cause_number(cause)
    newest_at = max(at, watch.newest_at(audiences.watch))
    states = _ask(row, newest_at, audiences, rules) if watch.asked else 0
    if at < newest_at:
        watch.note(audiences.watch, Fact(at, matched, watch.states_at(audiences.watch, at), number))
        matched = 0
    watch.note(audiences.watch, Fact(newest_at, matched, states, number))


def age(row: UserRow, until: float, rules: Rules) -> None:
    """Note what time has changed of the row up to `until`, before anything else changes it."""
    audiences = follow(row, rules)
    watch = watch_of(rules.definitions)
    for _ in range(MOST_AGINGS):
        at = audiences.ages_at
        if not 0.0 < at <= until:
            return
        cause = audiences.watch.facts[-1].cause if audiences.watch.facts else audiences.watch.last_cause
        watch.note(audiences.watch, Fact(at, 0, _ask(row, at, audiences, rules), cause))


def join(row: UserRow, other: UserRow, cause: Cause, rules: Rules) -> None:
    """Take in the audiences of another row of the same user, after all else of it."""
    if other.audiences is None:
        return
    audiences, watch = follow(row, rules), watch_of(rules.definitions)
    settled = watch.merge(audiences.watch, follow(other, rules).watch)
    audiences.unsaid += [told_of(change, watch) for change in settled]
    at = max(audiences.watch.settled_at, row.seen_at)
    states = _ask(row, at, audiences, rules) if watch.asked else 0
    audiences.watch.facts.append(Fact(at, 0, states, cause_number(cause)))
    audiences.watch.facts.sort(key=lambda fact: fact.at)


def told_of(change: Change, watch: Watch) -> Told:
    """A change as it is remembered."""
    return Told(change.at, watch.version_of(change.name), change.holds, change.cause)


def standing(row: UserRow) -> dict[int, float]:
    """The audiences that the user is in for all that was told, by version, and since when."""
    if row.audiences is None or row.is_bot:
        return {}
    held = dict(row.audiences.watch.members)
    for change in row.audiences.told:
        if change.holds:
            held[change.version] = change.at
        else:
            held.pop(change.version, None)
    return held


def _ask(row: UserRow, at: float, audiences: AudienceState, rules: Rules) -> int:
    """Which conditions of state hold at `at`, as bits; and when they are asked again if nothing comes."""
    watch, definitions = watch_of(rules.definitions), rules.definitions
    names = frozenset(asked.feature for asked in watch.asked if asked.feature is not None)
    features = read_features(row, at, rules.loyal_uses, reading_of(names, definitions))
    ages_at = next_aging(watch.asked, row, at, features, definitions)
    audiences.ages_at = ages_at if ages_at < inf else 0.0

    def value_of(asked: Condition) -> float | str | None:
        return row.traits.get(asked.trait) if asked.trait is not None else features.get(asked.feature or "")

    return watch.states_of(value_of)
