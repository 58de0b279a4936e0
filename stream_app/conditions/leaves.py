"""What a condition remembers of events: little, and enough to say at any later time whether it holds.

A memory is a list of event times (epoch seconds), 0.0 where there is none, so that a row can hold it. Facts
come in order of event time. Every answer holds from a time on until another, half-open: [from, until).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf

Memory = list[float]


class Leaf(ABC):
    """A condition on events. `matchers` are the numbers of the matches that it waits for."""

    @property
    @abstractmethod
    def matchers(self) -> tuple[int, ...]:
        """Which matches it waits for."""

    @abstractmethod
    def begin(self) -> Memory:
        """The memory of no events."""

    @abstractmethod
    def note(self, memory: Memory, at: float, matched: int) -> None:
        """Take in an event at `at`; `matched` has a bit for each match that describes it."""

    @abstractmethod
    def holds(self, memory: Memory, at: float) -> bool:
        """Whether it holds at a time not before the last event."""

    @abstractmethod
    def next_change(self, memory: Memory, at: float) -> float:
        """The time after `at` at which the answer changes without an event; infinite for never."""

    @abstractmethod
    def merge(self, memory: Memory, other: Memory) -> Memory:
        """The memory of two rows of one user, as far as two memories tell."""


@dataclass(frozen=True)
class Count(Leaf):
    """At least `times` events in the last `within` seconds; `memory`: the newest of them, oldest first."""

    matcher: int
    times: int
    within: float

    @property
    def matchers(self) -> tuple[int, ...]:
        return (self.matcher,)

    def begin(self) -> Memory:
        return []

    def note(self, memory: Memory, at: float, matched: int) -> None:
        if matched >> self.matcher & 1:
            memory.append(at)
            del memory[: -self.times]

    def holds(self, memory: Memory, at: float) -> bool:
        return len(memory) == self.times and at < memory[0] + self.within

    def next_change(self, memory: Memory, at: float) -> float:
        return memory[0] + self.within if self.holds(memory, at) else inf

    def merge(self, memory: Memory, other: Memory) -> Memory:
        return sorted(memory + other)[-self.times :]


@dataclass(frozen=True)
class Sequence(Leaf):
    """Events in an order, the last no later than `within` seconds after the first.

    `memory`: for each step but the last, the latest first event of a sequence that has come so far; then when
    a sequence was last completed. It holds for `then` seconds after that.
    """

    steps: tuple[int, ...]
    within: float
    then: float

    @property
    def matchers(self) -> tuple[int, ...]:
        return self.steps

    def begin(self) -> Memory:
        return [0.0] * len(self.steps)

    def note(self, memory: Memory, at: float, matched: int) -> None:
        # From the last step to the first: one event is one step.
        for place in range(len(self.steps) - 1, -1, -1):
            if not matched >> self.steps[place] & 1:
                continue
            if place == 0:
                memory[0] = at
            elif memory[place - 1] and at - memory[place - 1] <= self.within:
                is_last = place == len(self.steps) - 1
                memory[place] = at if is_last else max(memory[place], memory[place - 1])

    def holds(self, memory: Memory, at: float) -> bool:
        return bool(memory[-1]) and at < memory[-1] + self.then

    def next_change(self, memory: Memory, at: float) -> float:
        return memory[-1] + self.then if self.holds(memory, at) else inf

    def merge(self, memory: Memory, other: Memory) -> Memory:
        return [max(mine, theirs) for mine, theirs in zip(memory, other, strict=True)]


@dataclass(frozen=True)
class Silence(Leaf):
    """An event, and for `lasting` seconds or longer no `without`. One that is both begins no silence.

    `memory`: the first event since the last `without`, and that one.
    """

    matcher: int
    without: int
    lasting: float

    @property
    def matchers(self) -> tuple[int, ...]:
        return (self.matcher, self.without)

    def begin(self) -> Memory:
        return [0.0, 0.0]

    def note(self, memory: Memory, at: float, matched: int) -> None:
        if matched >> self.without & 1:
            memory[:] = [0.0, at]
        elif matched >> self.matcher & 1 and not memory[0]:
            memory[0] = at

    def holds(self, memory: Memory, at: float) -> bool:
        return bool(memory[0]) and at >= memory[0] + self.lasting

    def next_change(self, memory: Memory, at: float) -> float:
        return memory[0] + self.lasting if memory[0] and not self.holds(memory, at) else inf

    def merge(self, memory: Memory, other: Memory) -> Memory:
        ended_at = max(memory[1], other[1])
        begun = [at for at in (memory[0], other[0]) if at > ended_at]
        return [min(begun, default=0.0), ended_at]
