"""Adapts the learned models to the core's ports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Generic, TypeVar, cast

import numpy as np

from stream_app.learning.ports import Features, Occasion
from stream_app.learning.session_records import SessionRecord
from stream_app.models.insight.clusters import Cluster
from stream_app.models.learning import (
    ClassificationModel,
    ClassPrediction,
    Example,
    LearningModel,
    Reason,
    RegressionModel,
)
from stream_app.models.online.sample import Mark
from stream_app.models.recommenders.attribution import Emission, EmittedItem, RecommendedClick
from stream_app.models.recommenders.blend import Blend
from stream_app.models.recommenders.context import context_at
from stream_app.models.recommenders.session_index import owner_key
from stream_app.models.recommenders.surface import Surface
from stream_app.models.targets import unlearned_model
from stream_app.schemas.outputs import (
    ClosedSession,
    ExploredPlace,
    ItemFacts,
    ModelStamp,
    Output,
    RecommendationClick,
    Recommendations,
    RecommendedItem,
)

TIERS = (1, 2, 3)
ModelT = TypeVar("ModelT", bound=LearningModel[Any, Any, Any])


class Adapted(Generic[ModelT]):
    """A learned model of one kind, which a loaded one may replace."""

    kind: type[ModelT]

    def __init__(self, model: ModelT) -> None:
        self.model = model

    @property
    def name(self) -> str:
        """The model's name in snapshots and metrics."""
        return self.model.name

    def stamp(self) -> ModelStamp:
        """Name, version and examples seen."""
        return ModelStamp(
            name=self.model.name,
            version=self.model.version,
            examples_seen=self.model.examples_seen,
            status=self.model.status.value,
        )

    def replace_model(self, model: object) -> None:
        """Score and learn with a loaded model from now on.

        Raises:
            TypeError: the model is of another kind.
        """
        if not isinstance(model, self.kind):
            raise TypeError(f"{type(model).__name__} is no {self.kind.__name__}")
        self.model = model

    def forget(self, owners: Collection[int]) -> int:
        """Remove all examples of some owners; return how many there were."""
        return self.model.forget(owners)

    def relearned(self) -> ModelT:
        """Return a model that learned only what this one still holds; this one does not change."""
        fresh: Any = unlearned_model(self.name)
        fresh.relearn(self.model)
        return cast(ModelT, fresh)

    def refresh(self) -> None:
        """Bring answers up to date with everything learned, without affecting learning."""
        self.model.refresh()


class TierScorer(Adapted[ClassificationModel]):
    """A tier model for scoring and learning."""

    kind = ClassificationModel

    def features_read(self) -> frozenset[str] | None:
        """The features that the champion's answers depend on."""
        return self.model.features_read

    def predict_tiers(self, examples: Sequence[Features]) -> Sequence[ClassPrediction]:
        """One decision per example."""
        return self.model.predict_many(examples)

    def explain_tiers(
        self, examples: Sequence[Features], tiers: Sequence[int], most: int = 3
    ) -> Sequence[Sequence[Reason]]:
        """The features that moved each example most towards or away from its tier, in one call for a batch.

        Largest contribution first; none while warming up. Request them only for tiers that are sent.
        """
        return self.model.explain_many(examples, tiers, most)

    def learn_many(
        self, examples: Sequence[tuple[Features, bool | float | str]], marks: Sequence[Mark] | None = None
    ) -> Sequence[bool]:
        """Learn tiers, given as numbers or digits."""
        tiers = [_tier_of(label) for _, label in examples]
        self.model.learn_many(
            [Example(x, tier) for (x, _), tier in zip(examples, tiers, strict=True) if tier is not None],
            _marks_of(marks, [tier is not None for tier in tiers]),
        )
        return [tier is not None for tier in tiers]


class OutcomeScorer(Adapted[ClassificationModel]):
    """A model of an outcome, such as a return or a purchase, for scoring and learning."""

    kind = ClassificationModel

    def predict_chances(self, examples: Sequence[Features]) -> Sequence[float]:
        """Each example's calibrated probability of the outcome; while warming up, its share so far."""
        return [prediction.probabilities.get(True, 0.0) for prediction in self.model.predict_many(examples)]

    def clusters_of(self, examples: Sequence[Features]) -> Sequence[Cluster | None]:
        """Each example's cluster of users; None if the model has no clusters."""
        return self.model.clusters_of(examples)

    def learn_many(
        self, examples: Sequence[tuple[Features, bool | float | str]], marks: Sequence[Mark] | None = None
    ) -> Sequence[bool]:
        """Learn outcomes, given as true and false or as 1 and 0."""
        usable = [not isinstance(label, str) and label in {0, 1} for _, label in examples]
        self.model.learn_many(
            [
                Example(x, bool(label))
                for (x, label), is_usable in zip(examples, usable, strict=True)
                if is_usable
            ],
            _marks_of(marks, usable),
        )
        return usable


class ValueLearner(Adapted[RegressionModel]):
    """A model of a number, such as a course's engagement score."""

    kind = RegressionModel

    def learn_many(
        self, examples: Sequence[tuple[Features, bool | float | str]], marks: Sequence[Mark] | None = None
    ) -> Sequence[bool]:
        """Learn values within the target's range."""
        usable = [
            not isinstance(label, bool | str) and self.model.low <= label <= self.model.high
            for _, label in examples
        ]
        self.model.learn_many(
            [
                Example(x, float(label))
                for (x, label), is_usable in zip(examples, usable, strict=True)
                if is_usable
            ],
            _marks_of(marks, usable),
        )
        return usable


class SessionRecommender:
    """The surface over the blend of recommenders, with its stamp."""

    VERSION = 1

    def __init__(self, surface: Surface) -> None:
        self.surface = surface

    @property
    def blend(self) -> Blend:
        """The blend below the surface."""
        return self.surface.blend

    def stamp(self) -> ModelStamp:
        """Name, version and sessions learned."""
        learned = self.blend.index.next_session
        return ModelStamp.of_valid(
            name=self.blend.name,
            version=self.VERSION,
            examples_seen=learned,
            status="ready" if learned else "warming_up",
        )

    def recommend(self, occasion: Occasion, count: int) -> Sequence[RecommendedItem]:
        """At most `count` items, best first."""
        return self.surface.recommend(
            occasion.session_items,
            count,
            user=occasion.user,
            user_history=occasion.user_history,
            context=context_at(occasion.at, occasion.device, occasion.country),
            bought=occasion.bought,
            seed=occasion.seed,
            now=occasion.at,
        )

    def sessions_of(self, user_key: str) -> list[tuple[float, list[str]]]:
        """The learned sessions of a user that are still held: end time and items."""
        index = self.blend.index
        live = np.arange(index.first_session, index.next_session) % index.limits.sessions
        found: list[tuple[float, list[str]]] = []
        for slot in live[index.session_owners[live] == owner_key(user_key)].tolist():
            start, length = int(index.session_starts[slot]), int(index.session_lengths[slot])
            numbers = index.items_at(np.arange(start, start + length)).tolist()
            items = [index.item_ids[number] for number in numbers if number]
            found.append((float(index.session_ended_at[slot]), items))
        return found

    def learn(self, output: Output) -> bool:
        """Learn from an output of the stream; return whether there was anything to learn.

        Closed sessions teach co-occurrence, unless empty or from a bot. Lists, clicks on them, and explored
        places teach which sources users like.
        """
        match output:
            case ClosedSession():
                return self.learn_session(output)
            case Recommendations():
                self.surface.note_emission(_emission_of(output))
                return True
            case RecommendationClick():
                self.surface.note_click(_click_of(output))
                return True
            case ExploredPlace(is_clicked=False):
                self.surface.bandit.note_shown(output.item_source)
                return True
            case ExploredPlace():
                self.surface.bandit.note_clicked(output.item_source)
                return True
        return False

    def learn_session(self, session: ClosedSession | SessionRecord) -> bool:
        """Learn a closed session, given as output or record; False if it is empty or a bot's."""
        if session.is_bot or not session.items:
            return False
        for item, facts in session.item_facts.items():
            self.surface.catalogue.learn(item, facts.category, facts.brand)
        ended_at = session.ended_at.timestamp()
        context = context_at(ended_at, session.device, session.country)
        self.surface.learn_session(
            session.items, ended_at, session.user_key, context, session.may_personalise
        )
        return True

    def complete(self, session: ClosedSession) -> ClosedSession:
        """Return the session with the current catalogue facts of its items instead of those from events.

        Every reader of the record then learns the same, at any time and with any catalogue.
        """
        catalogued = {item: self.surface.catalogue.catalogued(item) for item in session.items}
        said = {
            item: ItemFacts(category=facts.category, brand=facts.brand)
            for item, facts in catalogued.items()
            if facts is not None
        }
        return session.model_copy(update={"item_facts": session.item_facts | said}) if said else session

    def forget(self, user_key: str) -> int:
        """Erase a user's sessions and return how many there were."""
        return self.surface.forget(user_key)

    def scores(self) -> dict[str, dict[str, float]]:
        """How well each source and the mixture predicted clicks; see `PrequentialScores.summary`."""
        return self.surface.judge.summary(len(self.blend.index.item_numbers))

    def evictions(self) -> dict[str, int]:
        """How often each cap evicted something."""
        index = {f"index_{name}": count for name, count in self.blend.evictions.items()}
        return index | {f"surface_{name}": count for name, count in self.surface.evictions().items()}


def _marks_of(marks: Sequence[Mark] | None, usable: Sequence[bool]) -> list[Mark] | None:
    return [mark for mark, is_usable in zip(marks, usable, strict=True) if is_usable] if marks else None


def _emission_of(sent: Recommendations) -> Emission:
    items = [EmittedItem(item.item_id, item.source, item.propensity, item.is_explored) for item in sent.items]
    return Emission(sent.request_id, sent.as_of.timestamp(), sent.expires_at.timestamp(), tuple(items))


def _click_of(click: RecommendationClick) -> RecommendedClick:
    return RecommendedClick(
        click.request_id,
        click.item_id,
        click.rank,
        click.item_source,
        click.propensity,
        click.is_explored,
        click.delay,
    )


def _tier_of(label: bool | float | str) -> int | None:
    tier = int(label) if isinstance(label, str) and label.isdecimal() else label
    return int(tier) if not isinstance(tier, bool) and tier in TIERS else None
