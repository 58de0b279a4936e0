"""Recommenders judged in the stream: a sample of sessions is predicted before being learned."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from stream_app.models.recommenders.exploration import chance
from stream_app.models.recommenders.prequential_scores import (
    CUTOFFS,
    PrequentialScores,
    PrequentialScoresState,
    traits_of,
)
from stream_app.models.recommenders.session_index import SessionIndex

JUDGED_AT_FIRST = 100  # the first sessions, all of which are judged; each costs a query to every contestant
JUDGED_FOR_FACTORS = 1_000  # the same if factors are learned: their gate waits for these judgements
MOST_UNJUDGED = 63  # later, most sessions between two that are judged
MOST_CONTESTANTS = 32


class Position(NamedTuple):
    """A click of a session to be predicted from those before it."""

    known: Sequence[str]
    clicked: str


class JudgeState(msgspec.Struct):
    """Sessions seen so far, and scores by contestant."""

    sessions: int
    scores: dict[str, PrequentialScoresState]


class StreamJudge:
    """Scores of each contestant over the same sampled positions, popularity always among them.

    All of the first `judged_at_first` sessions are sampled, then ever fewer, down to one in 1 +
    `MOST_UNJUDGED`. The choice depends only on the sessions, so that workers with the same input judge the
    same ones.
    """

    def __init__(self, judged_at_first: int = JUDGED_AT_FIRST) -> None:
        self._judged_at_first = judged_at_first
        self._sessions = 0
        self._scores: dict[str, PrequentialScores] = {}

    def sample(self, items: Sequence[str], ended_at: float, owner: str | None) -> Position | None:
        """Return the click of a session to be predicted, possibly its first; None for most sessions."""
        number = self._sessions
        self._sessions += 1
        if not items or number % (1 + min(number // self._judged_at_first, MOST_UNJUDGED)):
            return None
        place = int(chance(f"{ended_at!r}:{owner}", "judged at") * len(items))
        return Position(items[:place], items[place])

    def score(self, answers: Mapping[str, Sequence[str]], clicked: str, index: SessionIndex) -> None:
        """Score each contestant's answer, best first."""
        ranked = {name: answer[: CUTOFFS[-1]] for name, answer in answers.items()}
        known = index.item_numbers
        traits = {
            item: traits_of(item, index.click_share(item) if item in known else 0.0)
            for item in set().union(*ranked.values())
        }
        for name, answer in ranked.items():
            if name not in self._scores:
                if len(self._scores) >= MOST_CONTESTANTS:
                    raise ValueError(
                        f"{name} is one contestant too many: at most {MOST_CONTESTANTS} are judged"
                    )
                self._scores[name] = PrequentialScores()
            self._scores[name].add(answer, clicked, traits)

    def summary(self, items: int) -> dict[str, dict[str, float]]:
        """Return the scores of each contestant; see `PrequentialScores.summary`."""
        return {name: scores.summary(items) for name, scores in self._scores.items()}

    @property
    def positions(self) -> int:
        """How many positions were judged."""
        return max((scores.positions for scores in self._scores.values()), default=0)

    def to_state(self) -> JudgeState:
        """Return all scores."""
        return JudgeState(self._sessions, {name: scores.to_state() for name, scores in self._scores.items()})

    def restore(self, state: JudgeState) -> None:
        """Restore the state that `to_state` returned."""
        self._sessions = state.sessions
        for name, packed in state.scores.items():
            self._scores[name] = PrequentialScores()
            self._scores[name].restore(packed)
