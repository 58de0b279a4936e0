"""Watch conditions over one user: note what happens, late or not, and ask what follows from it.

    watch = Watch({"leavers": condition, ...})       # compiled once
    state = watch.begin()                            # kept in the user's row
    watch.note(state, Fact(at, watch.matched(use), watch.states_of(answer)))
    watch.foresee(state, now)                        # what changes until now, if nothing late comes
    watch.settle(state, watermark)                   # what has changed for good before the watermark
    watch.next_due(state)                            # when time alone may change an answer

A change is exact to the event, or to the moment at which a time runs out. All facts of one time count at
once, before any answer of that time. Conditions of state (features, traits, tier, chances) are what they were
when a fact was noted: whoever notes it answers them (`states_of`).
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Callable, Mapping
from hashlib import sha256
from math import inf, nextafter
from typing import Any, NamedTuple, TypeVar

import msgspec

from stream_app.conditions.leaves import Count, Leaf, Sequence, Silence
from stream_app.conditions.state import Fact, WatchState
from stream_app.conditions.wording import words_of
from stream_app.definitions.conditions import Condition
from stream_app.definitions.events import EventMatch, holds
from stream_app.definitions.spans import seconds_of
from stream_app.intake.use import Use

MOST_FACTS = 32
VERSION_BYTES = 4

Answers = Callable[[int, int], bool]  # of the bits of state and of leaves
MeantT = TypeVar("MeantT", EventMatch, Condition)


class Change(NamedTuple):
    """A condition begins to hold at `at` (epoch seconds), or ceases to; `because` of what part of it.

    `cause` is that of the last fact until then, of several of one time that of the first.
    """

    at: float
    name: str
    holds: bool
    because: tuple[str, ...]
    cause: int = 0


class CircleError(ValueError):
    """Conditions refer to one another in a circle, or to none that there is; `name` is the one that does."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name


class _Watched(NamedTuple):
    """A named condition: how it is answered, its version, and the bits of state and leaves that it reads."""

    name: str
    version: int
    answer: Answers
    states: int
    leaves: int


class Watch:
    """Some named conditions, which may refer to one another.

    Raises:
        CircleError: they do so in a circle, or one refers to an unknown name.
    """

    def __init__(self, conditions: Mapping[str, Condition]) -> None:
        self._conditions = conditions
        self._matches: list[EventMatch] = []
        self.asked: list[Condition] = []
        """Conditions of state, in the order of their bits."""
        self._leaves: list[Leaf] = []
        self._leaf_conditions: list[Condition] = []
        self._watched = [self._compile(name) for name in conditions]
        self._by_kind: dict[tuple[str, str | None], int] = {}
        for number, match in enumerate(self._matches):
            kind = (match.type, match.name)
            self._by_kind[kind] = self._by_kind.get(kind, 0) | 1 << number
        self.layout = (
            _versions(self._matches),
            _versions(self.asked),
            _versions(self._leaf_conditions),
        )

    @property
    def names(self) -> frozenset[str]:
        """What is watched."""
        return frozenset(self._conditions)

    def begin(self) -> WatchState:
        """The state of a user of whom nothing is known."""
        return WatchState(self.layout, memories=[leaf.begin() for leaf in self._leaves])

    def follow(self, state: WatchState | None) -> WatchState:
        """The state as these conditions keep it: what did not change goes on, all else begins anew."""
        if state is None or state.layout == self.layout:
            return state or self.begin()
        matches, asked, leaves = (
            _places(old, new) for old, new in zip(state.layout, self.layout, strict=True)
        )
        followed = self.begin()
        followed.settled_at, followed.has_begun = state.settled_at, state.has_begun
        followed.last_cause = state.last_cause
        followed.states = _moved(state.states, asked)
        followed.facts = [
            Fact(fact.at, _moved(fact.matched, matches), _moved(fact.states, asked), fact.cause)
            for fact in state.facts
        ]
        for old, new in leaves.items():
            followed.memories[new] = state.memories[old]
        versions = {watched.version for watched in self._watched}
        followed.members = {version: at for version, at in state.members.items() if version in versions}
        return followed

    def matched(self, use: Use) -> int:
        """Which matches describe an event, as bits."""
        waiting = self._by_kind.get((use.type, None), 0)
        if use.name is not None:
            waiting |= self._by_kind.get((use.type, use.name), 0)
        matched = 0
        while waiting:
            bit = waiting & -waiting
            waiting ^= bit
            match = self._matches[bit.bit_length() - 1]
            if all(holds(condition, use.value(condition.property)) for condition in match.where):
                matched |= bit
        return matched

    def states_of(self, value_of: Callable[[Condition], Any]) -> int:
        """Which conditions of state hold, as bits; `value_of` gives what one is about, None for unknown."""
        return sum(1 << place for place, asked in enumerate(self.asked) if holds_now(asked, value_of(asked)))

    def note(self, state: WatchState, fact: Fact) -> bool:
        """Take in a fact not before `settled_at`; whether it may change anything: else it is not kept."""
        is_first = not state.has_begun and (not state.facts or fact.at < state.facts[0].at)
        # Where state is asked for, one that comes late may lie between two that say the same.
        if not fact.matched and not self.asked and not is_first:
            return False
        insort_right(state.facts, fact, key=lambda known: known.at)
        return True

    def newest_at(self, state: WatchState) -> float:
        """The time of the newest fact; 0.0 where all are settled."""
        return state.facts[-1].at if state.facts else 0.0

    def states_at(self, state: WatchState, at: float) -> int:
        """Which conditions of state held at a time that is not settled, as bits."""
        return next((fact.states for fact in reversed(state.facts) if fact.at <= at), state.states)

    def crowded_until(self, state: WatchState) -> float:
        """The time until which to settle, so that no more than `MOST_FACTS` wait; 0.0 where they do not."""
        return state.facts[-MOST_FACTS].at if len(state.facts) > MOST_FACTS else 0.0

    def settle(self, state: WatchState, until: float) -> list[Change]:
        """What has changed before `until`, for good: no fact before it comes any more."""
        run = _Run(self, state, is_own=True)
        changes = run.run(until, takes_end=False)
        state.states, state.facts = run.states, state.facts[run.taken :]
        state.settled_at = max(state.settled_at, until)
        state.has_begun, state.last_cause = state.has_begun or run.taken > 0, run.cause
        for change in changes:
            version = self.version_of(change.name)
            if change.holds:
                state.members[version] = change.at
            else:
                state.members.pop(version, None)
        return changes

    def foresee(self, state: WatchState, until: float) -> list[Change]:
        """What changes from `settled_at` to `until` if no more comes; the state stays."""
        return _Run(self, state).run(until, takes_end=True)

    def look_ahead(self, state: WatchState, until: float) -> tuple[list[Change], float]:
        """What changes until all facts that wait, and `until`, and when time alone changes something next."""
        run = _Run(self, state)
        last_at = state.facts[-1].at if state.facts else state.settled_at
        changes = run.run(max(until, last_at), takes_end=True)
        return changes, run.next_change()

    def next_due(self, state: WatchState, after: float = 0.0) -> float:
        """The time after all facts and `after` at which time alone changes an answer; infinite for never."""
        return self.look_ahead(state, after)[1]

    def members(self, state: WatchState) -> dict[str, float]:
        """Which conditions hold for good, by name, and since when."""
        return {
            watched.name: state.members[watched.version]
            for watched in self._watched
            if watched.version in state.members
        }

    def merge(self, state: WatchState, other: WatchState) -> list[Change]:
        """Take in another state of the same user; both follow this watch. Returns what it settles of `state`.

        Facts that wait are joined exactly. Of what was settled, a sequence with steps in both is not found.
        """
        settled_at = max(state.settled_at, other.settled_at)
        changes = self.settle(state, settled_at)
        self.settle(other, settled_at)
        state.memories = [
            leaf.merge(mine, theirs)
            for leaf, mine, theirs in zip(self._leaves, state.memories, other.memories, strict=True)
        ]
        state.states |= other.states
        state.has_begun = state.has_begun or other.has_begun
        state.facts = sorted([*state.facts, *other.facts], key=lambda fact: fact.at)
        return changes

    def name_of(self, version: int) -> str | None:
        """The name of a condition by its version; None for one that is not watched."""
        return next((watched.name for watched in self._watched if watched.version == version), None)

    def version_of(self, name: str) -> int:
        """The version of a condition: it changes with what it means, and not with its name."""
        return next(watched.version for watched in self._watched if watched.name == name)

    def _compile(self, name: str) -> _Watched:
        condition = self._conditions[name]
        reads = [0, 0]
        meaning: list[Any] = []
        answer = self._answer(condition, (name,), reads, meaning)
        return _Watched(name, _version(meaning), answer, reads[0], reads[1])

    def _answer(
        self, condition: Condition, names: tuple[str, ...], reads: list[int], meaning: list[Any]
    ) -> Answers:
        joined = condition.all_ or condition.any_
        if joined is not None:
            meaning.append("all" if condition.all_ else "any")
            parts = [self._answer(part, names, reads, meaning) for part in joined]
            meaning.append("end")
            join = all if condition.all_ is not None else any
            return lambda states, leaves: join(part(states, leaves) for part in parts)
        if condition.not_ is not None:
            meaning.append("not")
            inner = self._answer(condition.not_, names, reads, meaning)
            return lambda states, leaves: not inner(states, leaves)
        if condition.audience is not None:
            referred = self._referred(condition.audience, names)
            return self._answer(referred, (*names, condition.audience), reads, meaning)
        meaning.append(condition.model_dump(mode="json", exclude_none=True))
        if condition.event is None and condition.sequence is None:
            bit = 1 << _place_of(condition, self.asked)
            reads[0] |= bit
            return lambda states, _: bool(states & bit)
        bit = 1 << self._leaf_place(condition)
        reads[1] |= bit
        return lambda _, leaves: bool(leaves & bit)

    def _referred(self, name: str, names: tuple[str, ...]) -> Condition:
        if name in names:
            raise CircleError(names[0], f"a circle: {' needs '.join((*names[names.index(name) :], name))}")
        if name not in self._conditions:
            raise CircleError(names[0], f"there is no audience {name}")
        return self._conditions[name]

    def _leaf_place(self, condition: Condition) -> int:
        place = _place_of(condition, self._leaf_conditions)
        if place == len(self._leaves):
            self._leaves.append(self._leaf(condition))
        return place

    def _leaf(self, condition: Condition) -> Leaf:
        within = seconds_of(condition.within) if condition.within is not None else inf
        if condition.sequence is not None:
            steps = tuple(_place_of(step, self._matches) for step in condition.sequence)
            return Sequence(steps, within, seconds_of(condition.then) if condition.then is not None else inf)
        assert condition.event is not None
        matcher = _place_of(condition.event, self._matches)
        if condition.without is not None and condition.lasting is not None:
            return Silence(
                matcher, _place_of(condition.without, self._matches), seconds_of(condition.lasting)
            )
        return Count(matcher, condition.times or 1, within)


def holds_now(condition: Condition, value: Any) -> bool:
    """Whether a condition of state holds for a value."""
    return value in condition.tier if condition.tier is not None else holds(condition, value)


class _Run:
    """Conditions on their way through time, from what is settled; on a copy, unless the state `is_own`."""

    def __init__(self, watch: Watch, state: WatchState, *, is_own: bool = False) -> None:
        self._watch = watch
        self._memories = state.memories if is_own else [memory.copy() for memory in state.memories]
        self._facts = state.facts
        # What time alone changes just at `settled_at` is not settled yet.
        self._now = nextafter(state.settled_at, -inf)
        self.states = state.states
        self.taken = 0
        self.cause = state.last_cause
        self._held = {w.name for w in watch._watched if w.version in state.members}
        self._leaves = self._answer_leaves()
        self._changed_states = 0

    def run(self, until: float, *, takes_end: bool) -> list[Change]:
        """All changes up to `until`, that time among them if `takes_end`."""
        changes: list[Change] = []
        while True:
            fact_at = self._facts[self.taken].at if self.taken < len(self._facts) else inf
            at = min(max(fact_at, self._now), self.next_change())
            if at > until or (at == until and not takes_end) or at == inf:
                return changes
            states = self.states
            self._take_facts(at)
            self._changed_states = states ^ self.states
            self._now = at
            changes += self._answer(at)

    def next_change(self) -> float:
        """When the next answer changes by time alone."""
        pairs = zip(self._watch._leaves, self._memories, strict=True)
        return min((leaf.next_change(memory, self._now) for leaf, memory in pairs), default=inf)

    def _take_facts(self, at: float) -> None:
        if self.taken < len(self._facts) and self._facts[self.taken].at <= at:
            self.cause = self._facts[self.taken].cause
        while self.taken < len(self._facts) and self._facts[self.taken].at <= at:
            fact = self._facts[self.taken]
            if fact.matched:
                for leaf, memory in zip(self._watch._leaves, self._memories, strict=True):
                    leaf.note(memory, max(fact.at, self._now), fact.matched)
            self.states = fact.states
            self.taken += 1

    def _answer(self, at: float) -> list[Change]:
        leaves = self._answer_leaves()
        changed_leaves, self._leaves = leaves ^ self._leaves, leaves
        changes: list[Change] = []
        for watched in self._watch._watched:
            is_held = watched.answer(self.states, leaves)
            if is_held != (watched.name in self._held):
                self._held ^= {watched.name}
                because = self._because(watched, changed_leaves)
                changes.append(Change(at, watched.name, is_held, because, self.cause))
        return changes

    def _because(self, watched: _Watched, changed_leaves: int) -> tuple[str, ...]:
        """The parts of a condition that changed with it, in words."""
        words = [
            words_of(self._watch._leaf_conditions[place], bool(self._leaves >> place & 1))
            for place in _bits(changed_leaves & watched.leaves)
        ]
        words += [
            words_of(self._watch.asked[place], bool(self.states >> place & 1))
            for place in _bits(self._changed_states & watched.states)
        ]
        return tuple(words)

    def _answer_leaves(self) -> int:
        pairs = zip(self._watch._leaves, self._memories, strict=True)
        return sum(1 << place for place, (leaf, memory) in enumerate(pairs) if leaf.holds(memory, self._now))


def _place_of(meant: MeantT, known: list[MeantT]) -> int:
    if meant not in known:
        known.append(meant)
    return known.index(meant)


def _bits(bits: int) -> list[int]:
    return [place for place in range(bits.bit_length()) if bits >> place & 1]


def _version(meaning: Any) -> int:
    encoded = msgspec.json.encode(meaning, order="deterministic")
    return int.from_bytes(sha256(encoded).digest()[:VERSION_BYTES], "big")


def _versions(meant: list[EventMatch] | list[Condition]) -> bytes:
    return b"".join(
        _version(each.model_dump(mode="json", exclude_none=True)).to_bytes(VERSION_BYTES, "big")
        for each in meant
    )


def _places(old: bytes, new: bytes) -> dict[int, int]:
    """The new place of each old one that is still there."""
    known = {new[at : at + VERSION_BYTES]: at // VERSION_BYTES for at in range(0, len(new), VERSION_BYTES)}
    return {
        at // VERSION_BYTES: known[old[at : at + VERSION_BYTES]]
        for at in range(0, len(old), VERSION_BYTES)
        if old[at : at + VERSION_BYTES] in known
    }


def _moved(bits: int, places: Mapping[int, int]) -> int:
    return sum(1 << places[place] for place in _bits(bits) if place in places)
