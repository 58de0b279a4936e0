"""The content model in the trainer: learns outcomes from the stream and returns scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from stream_app.learning.model_adapters import ValueLearner
from stream_app.models.content.item_use import Start
from stream_app.models.content.model import ContentModel, ItemScore
from stream_app.models.online.sample import Mark
from stream_app.schemas.envelopes import cause_of, envelope, output_id
from stream_app.schemas.outputs import ContentScore, ItemOutcomes, TierReason


class ContentLearner(ValueLearner):
    """Learns labels and the outcomes of starts, and computes scores once per interval of event time.

    `interval` is in seconds; `clock` returns wall time in epoch seconds. Intervals depend only on the
    outcomes and their order, and so do the scores, which `pop_scores` returns.
    """

    kind = ContentModel
    model: ContentModel

    def __init__(self, model: ContentModel, interval: float, clock: Callable[[], float]) -> None:
        super().__init__(model)
        self._interval = interval
        self._clock = clock
        self._scores: list[ContentScore] = []

    def learn_outcomes(
        self, batches: Sequence[ItemOutcomes], marks: Sequence[Mark] | None = None
    ) -> Sequence[bool]:
        """Learn outcomes of starts in order; compute scores before the first outcome of a new interval."""
        for place, outcomes in enumerate(batches):
            at = outcomes.as_of.timestamp()
            if self.model.newest_at and at // self._interval > self.model.newest_at // self._interval:
                self._score(outcomes)
            self.model.learn_starts(
                [
                    Start(
                        outcome.item_id,
                        outcome.started_at.timestamp(),
                        outcome.is_completed,
                        outcome.uses,
                        outcome.has_returned,
                        outcome.features,
                    )
                    for outcome in outcomes.outcomes
                ],
                at,
                marks[place] if marks else None,
            )
        return [True] * len(batches)

    def pop_scores(self) -> list[ContentScore]:
        """Return the scores computed since the last call, and forget them."""
        scores, self._scores = self._scores, []
        return scores

    def _score(self, outcomes: ItemOutcomes) -> None:
        # Otherwise scores would depend on when the last snapshot was taken.
        self.model.refresh()
        as_of = datetime.fromtimestamp(self.model.newest_at, UTC)
        now = datetime.fromtimestamp(self._clock(), UTC)
        self._scores += [self._build(score, outcomes, as_of, now) for score in self.model.pop_changed()]

    def _build(self, score: ItemScore, cause: ItemOutcomes, as_of: datetime, now: datetime) -> ContentScore:
        position = cause_of(cause.source)
        score_id = output_id("content_score", position, f"{cause.id} {score.item}")
        return ContentScore(
            **envelope(score_id, None, as_of, now, position),
            model=self.stamp(),
            item_id=score.item,
            score=score.score,
            expected=score.expected,
            starters=score.starters,
            completers=score.completers,
            interval=(100 * score.interval[0], 100 * score.interval[1]),
            reasons=[
                TierReason(feature=reason.feature, value=reason.value, contribution=reason.contribution)
                for reason in score.reasons
            ],
        )
