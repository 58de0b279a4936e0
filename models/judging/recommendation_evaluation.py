"""Recommenders judged on sessions later than those they learned from, frozen and prequentially."""

import resource
import sys
from collections.abc import Collection, Iterator, Sequence
from time import thread_time
from typing import NamedTuple, TypedDict

import numpy as np

from stream_app.models.judging.recommendation_scores import CUTOFFS, RankingScores
from stream_app.models.recommenders.blend import Blend, rank
from stream_app.models.recommenders.co_visitation import CoVisitation
from stream_app.models.recommenders.index_limits import IndexLimits
from stream_app.models.recommenders.markov import MarkovChain, MarkovSettings
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.session_view import Source

Scores = dict[str, dict[str, float]]


class EvaluationReport(TypedDict):
    """Scores by source; CPU time in microseconds at `p50` and `p99`; peak resident size of the process."""

    frozen: Scores
    prequential: Scores
    query_us: dict[str, float]
    update_us: dict[str, float]
    memory_mb: float
    positions: int


class ClickedSession(NamedTuple):
    """A session's items in click order with the times of their clicks in epoch seconds."""

    session_id: str
    items: tuple[str, ...]
    times: tuple[float, ...]


class Query(NamedTuple):
    """A test position: the session's first `position` clicks are known, the next is to be predicted."""

    at: float
    session: ClickedSession
    position: int


def evaluate_sessions(
    train: Collection[ClickedSession],
    test: Collection[ClickedSession],
    k: int = 20,
    positions: Collection[tuple[str, int]] | None = None,
    limits: IndexLimits | None = None,
) -> EvaluationReport:
    """Learn `train` in the order in which its sessions end, then score next-click predictions in `test`.

    Position p of a test session predicts its click p + 1, positions counting from 1; `positions` restricts
    them to pairs of session id and position. In frozen mode nothing of `test` is learned. In prequential mode
    `test` is replayed in time order: a position is scored at the time of its click, after learning all
    sessions that had ended by then.

    Scores are `hr@5`, `mrr@5`, ... up to `k`, `coverage` and `novelty`. Query times are the blend's in both
    passes, update times are per click of a learned session, memory is measured after the frozen pass. Raises
    ValueError if there is no position to score.
    """
    wanted = None if positions is None else set(positions)
    queries = [query for session in test for query in _queries(session, wanted)]
    if not queries:
        raise ValueError("no position to score: the test sessions have no second click, or none was selected")
    blend = Blend(SessionIndex(limits))
    update_us = [_learn(blend, session) for session in sorted(train, key=_ended_at)]

    frozen = Contest(blend, k)
    for query in queries:
        frozen.score(query)
    memory_mb = _peak_memory_mb()

    prequential = Contest(Blend.from_state(blend.to_state()), k)
    timeline: list[Query | ClickedSession] = [*queries, *test]
    for moment in sorted(timeline, key=_moment):
        if isinstance(moment, Query):
            prequential.score(moment)
        else:
            _learn(prequential.blend, moment)

    return {
        "frozen": frozen.summary(),
        "prequential": prequential.summary(),
        "query_us": _percentiles(frozen.query_us + prequential.query_us),
        "update_us": _percentiles(update_us),
        "memory_mb": memory_mb,
        "positions": len(queries),
    }


class Contest:
    """The blend, its sources and baselines, all given the same queries over the blend's index."""

    def __init__(self, blend: Blend, k: int) -> None:
        self.blend = blend
        self.query_us: list[float] = []
        self._k = k
        self._rivals: dict[str, Source] = {source.name: source for source in blend.sources}
        self._rivals["item_knn"] = CoVisitation()
        self._rivals["markov"] = MarkovChain()
        self._rivals["first_order_markov"] = MarkovChain(MarkovSettings(order=1))
        cutoffs = sorted({k, *(cutoff for cutoff in CUTOFFS if cutoff < k)})
        self._scores = {name: RankingScores(cutoffs) for name in (*self._rivals, blend.name)}

    def score(self, query: Query) -> None:
        """Ask every contestant for the click after the query's position."""
        index = self.blend.index
        known, clicked = query.session.items[: query.position], query.session.items[query.position]
        started = thread_time()
        blended = self.blend.recommend(known, self._k)
        self.query_us.append((thread_time() - started) * 1e6)
        view = self.blend.view(known)
        answers = {self.blend.name: blended}
        for name, source in self._rivals.items():
            answers[name] = rank(index, source.candidates(view), self._k, name)
        for name, answer in answers.items():
            self._scores[name].add([item.item_id for item in answer], clicked, index.click_share)

    def summary(self) -> Scores:
        """Return each contestant's scores."""
        items = len(self.blend.index.item_numbers)
        return {name: scores.summary(items) for name, scores in self._scores.items()}


def _queries(session: ClickedSession, wanted: Collection[tuple[str, int]] | None) -> Iterator[Query]:
    for position in range(1, len(session.items)):
        if wanted is None or (session.session_id, position) in wanted:
            yield Query(session.times[position - 1], session, position)


def _learn(blend: Blend, session: ClickedSession) -> float:
    """Learn a session and return the microseconds that this took per click."""
    started = thread_time()
    blend.learn_session(session.items, session.times[-1])
    return (thread_time() - started) * 1e6 / len(session.items)


def _ended_at(session: ClickedSession) -> float:
    return session.times[-1]


def _moment(moment: Query | ClickedSession) -> tuple[float, bool]:
    """Order by time; a query at the moment a session ends comes before the session is learned."""
    return (moment.at, False) if isinstance(moment, Query) else (moment.times[-1], True)


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {"p50": 0.0, "p99": 0.0}
    median, tail = np.percentile(values, [50, 99])
    return {"p50": float(median), "p99": float(tail)}


def _peak_memory_mb() -> float:
    per_mb = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb
