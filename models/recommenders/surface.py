"""From the blend's candidates to what a user is shown."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple, Self

import msgspec

from stream_app.models.recommenders.attribution import (
    Attribution,
    AttributionState,
    Emission,
    RecommendedClick,
)
from stream_app.models.recommenders.blend import Blend
from stream_app.models.recommenders.catalogue_view import CatalogueView, CatalogueViewState, ItemFacts
from stream_app.models.recommenders.category_fallback import CategoryFallback, FallbackState
from stream_app.models.recommenders.contest import judge_click
from stream_app.models.recommenders.context import NO_CONTEXT, Context
from stream_app.models.recommenders.context_visits import ContextVisits, Neighbours
from stream_app.models.recommenders.diversity import CappedGroups
from stream_app.models.recommenders.exploration import BanditState, SourceBandit, draw_offer, is_explored
from stream_app.models.recommenders.factorisation import Factorisation, FactorisationState
from stream_app.models.recommenders.judge import JUDGED_AT_FIRST, JUDGED_FOR_FACTORS, JudgeState, StreamJudge
from stream_app.models.recommenders.prequential_gate import GateState, PrequentialGate
from stream_app.models.recommenders.session_index import owner_key
from stream_app.models.recommenders.source_weights import SourceWeightsState
from stream_app.models.recommenders.surface_levels import (
    FALLBACKS,
    LEVELS,
    POOL,
    Occasion,
    SurfaceLevels,
    user_features,
)
from stream_app.models.recommenders.surface_rules import Exclusion, SurfaceRules
from stream_app.models.recommenders.types import Scored, ScoredItem
from stream_app.schemas.outputs import RecommendedItem

MOST_HISTORY = 20
NEXT_IN_LINE = "next_in_line"  # the source name for the item that would have come next


class LeftOut(NamedTuple):
    """Which exclusions a surface's rules apply, in the order of `Exclusion`."""

    bought: bool
    consumed: bool
    unavailable: bool
    current: bool


class SurfaceState(msgspec.Struct):
    """Everything that a surface has learned, including the blend."""

    blend: bytes
    catalogue: CatalogueViewState
    fallback: FallbackState
    factorisation: FactorisationState
    weights: SourceWeightsState
    gate: GateState
    bandit: BanditState
    judge: JudgeState
    attribution: AttributionState


class Surface:
    """The blend with its fallbacks, rules, exploration and judge; learns from closed sessions and clicks.

    `user` is a user's key. Only a digest of it is stored.
    """

    def __init__(
        self,
        blend: Blend | None = None,
        rules: SurfaceRules | None = None,
        catalogue: CatalogueView | None = None,
        fallback: CategoryFallback | None = None,
        factorisation: Factorisation | None = None,
    ) -> None:
        self.blend = Blend() if blend is None else blend
        self.rules = SurfaceRules() if rules is None else rules
        # Checked for each list and each item; looking up enum members would take longer than the rest.
        self._leaves_out = LeftOut(*(exclusion in self.rules.exclude for exclusion in Exclusion))
        self.catalogue = CatalogueView() if catalogue is None else catalogue
        self.fallback = CategoryFallback() if fallback is None else fallback
        self.factorisation = Factorisation() if factorisation is None else factorisation
        self.gate = PrequentialGate()
        self.bandit = SourceBandit()
        self.judge = StreamJudge(JUDGED_FOR_FACTORS if self.rules.factorisation else JUDGED_AT_FIRST)
        self.attribution = Attribution()
        self.levels = SurfaceLevels(self.blend, self.fallback, self.factorisation)

    def recommend(  # noqa: PLR0913
        self,
        session_items: Sequence[str],
        count: int,
        *,
        user: str | None = None,
        user_history: Sequence[str] = (),
        context: Context = NO_CONTEXT,
        bought: Collection[str] = (),
        seed: str = "",
        now: float = 0.0,
    ) -> list[RecommendedItem]:
        """Return at most `count` items, best first, within the surface's rules.

        Args:
            session_items: items of the open session in click order. count: the number of items that the
            surface can show. user: key of the user; None if unknown or without consent to use the user's
            history. user_history: the user's earlier items, latest last. context: device, hour band and
            country of the request. bought: items that the user has bought. seed: the cause of the request,
            which seeds all random draws. now: event time in epoch seconds, to check availability.
        """
        occasion = self._occasion(session_items, user, user_history, context, self.catalogue.facts)
        mixed = self.levels.expect(occasion, self.gate.is_open)
        barred = self._barred(session_items, occasion.user_history, bought)
        candidates = self._candidates(mixed, occasion, barred, now)
        groups = CappedGroups(self.rules.caps, self.catalogue.facts)
        shown = [RecommendedItem(*item) for item in islice(groups.admit(candidates), count)]
        if shown and self.rules.exploration:
            rest = list(islice(groups.admit(candidates), self.rules.offers_per_source))
            if rest:
                shown[-1] = self._explore(shown, rest, occasion, barred, seed, now)
        return shown

    def neighbours(self, item: str, context: Context = NO_CONTEXT, count: int = 10) -> Neighbours:
        """Return an item's neighbours in a context, with the part of the context that had enough evidence."""
        return ContextVisits(self.fallback.log).neighbours(item, context, count)

    def learn_session(
        self,
        items: Sequence[str],
        ended_at: float,
        owner: str | None = None,
        context: Context = NO_CONTEXT,
        may_personalise: bool = True,
    ) -> None:
        """Judge, then learn a closed session: its items in click order, its end in epoch seconds.

        Item facts come from sessions (`CatalogueView.learn`), this one and earlier ones, so that learning
        depends only on the sessions and their order, not on the current catalogue. Factorisation learns from
        a user's second session on, because a single session shows no taste. Unless `may_personalise`, the
        owner's history is not used; only a digest is kept, for erasure.
        """
        if not items:
            return
        position = self.judge.sample(items, ended_at, owner)
        if position is not None:
            user = owner if may_personalise else None
            occasion = self._occasion(position.known, user, (), context, self.catalogue.session_facts)
            judge_click(occasion, position.clicked, self.blend, self.levels, self.judge, self.gate)
        self.blend.learn_session(items, ended_at, owner)
        facts = list(map(self.catalogue.session_facts, items))
        is_factorised = self.rules.factorisation and may_personalise
        is_back = is_factorised and owner is not None and self.fallback.log.knows(owner)
        self.fallback.learn_session(items, [known.category for known in facts], ended_at, owner, context)
        if owner is not None and is_back:
            features = [_item_features(known) for known in facts]
            self.factorisation.learn(_digest(owner), items, features, user_features(context))

    def note_emission(self, emission: Emission) -> None:
        """Count a list as shown."""
        self.attribution.note_emission(emission)
        for item in emission.items:
            if item.is_explored:
                self.bandit.note_shown(item.source)

    def note_click(self, click: RecommendedClick) -> None:
        """Count a click on a recommended item, as `attribute_click` found it."""
        self.attribution.note_click(click)
        if click.is_explored:
            self.bandit.note_clicked(click.source)

    def evictions(self) -> dict[str, int]:
        """Return how often each cap, other than the blend's, evicted something."""
        return {
            "catalogue": self.catalogue.evictions,
            "sessions": self.fallback.log.evictions,
            "users": self.factorisation.users.evictions,
            "items": self.factorisation.items.evictions,
        }

    def forget(self, user: str) -> int:
        """Erase a user's sessions and vector; return how many sessions the blend had of the user.

        The user's influence on shared sums remains: weights, tallies and items' vectors.
        """
        self.fallback.forget(user)
        self.factorisation.forget(_digest(user))
        return self.blend.forget(user)

    def to_state(self) -> bytes:
        """Return everything learned; `from_state` continues seamlessly."""
        state = SurfaceState(
            blend=self.blend.to_state(),
            catalogue=self.catalogue.to_state(),
            fallback=self.fallback.to_state(),
            factorisation=self.factorisation.to_state(),
            weights=self.levels.weights.to_state(),
            gate=self.gate.to_state(),
            bandit=self.bandit.to_state(),
            judge=self.judge.to_state(),
            attribution=self.attribution.to_state(),
        )
        return msgspec.msgpack.encode(state)

    @classmethod
    def from_state(cls, state: bytes, rules: SurfaceRules | None = None) -> Self:
        """Return the surface of a state under the rules given.

        Raises:
            msgspec.ValidationError, msgspec.DecodeError: the bytes are not such a state.
        """
        packed = msgspec.msgpack.decode(state, type=SurfaceState)
        surface = cls(
            Blend.from_state(packed.blend),
            rules,
            CatalogueView.from_state(packed.catalogue),
            CategoryFallback.from_state(packed.fallback),
            Factorisation.from_state(packed.factorisation),
        )
        surface.levels.weights.restore(packed.weights)
        surface.gate.restore(packed.gate)
        surface.bandit = SourceBandit.from_state(packed.bandit)
        surface.judge.restore(packed.judge)
        surface.attribution.restore(packed.attribution)
        return surface

    def _occasion(
        self,
        session_items: Sequence[str],
        user: str | None,
        user_history: Sequence[str],
        context: Context,
        facts: Callable[[str], ItemFacts],
    ) -> Occasion:
        if user is None:
            return Occasion(session_items, None, user_history, context, facts)
        history = user_history or self.fallback.log.items_of(user, MOST_HISTORY)
        digest = _digest(user) if len(self.factorisation.users) else None  # nothing else uses it
        return Occasion(session_items, digest, history[-MOST_HISTORY:], context, facts)

    def _barred(
        self, session_items: Sequence[str], user_history: Sequence[str], bought: Collection[str]
    ) -> set[str]:
        """Items that the rules exclude because of the user's history."""
        barred: set[str] = set()
        if self._leaves_out.bought:
            barred.update(bought)
        if self._leaves_out.consumed:
            barred.update(session_items, user_history)
        if self._leaves_out.current:
            barred.update(session_items[-1:])
        return barred

    def _may_show(self, item_id: str, barred: set[str], now: float) -> bool:
        if item_id in barred:
            return False
        return not self._leaves_out.unavailable or self.catalogue.is_showable(item_id, now)

    def _candidates(
        self, mixed: Iterable[Scored], occasion: Occasion, barred: set[str], now: float
    ) -> Iterator[Scored]:
        """Yield the showable items of the mixture, and then, without scores, those of the fallbacks in order.

        The fallbacks are queried only if the items before them did not fill the list.
        """
        passed = set(barred)
        shows_all, is_showable = not self._leaves_out.unavailable, self.catalogue.is_showable
        for items in chain((mixed,), self._fallbacks(occasion)):
            for item in items:
                item_id = item[0]
                if item_id not in passed and (shows_all or is_showable(item_id, now)):
                    passed.add(item_id)
                    yield item

    def _fallbacks(self, occasion: Occasion) -> Iterator[list[ScoredItem]]:
        for level in FALLBACKS:
            for items in self.levels.ask(occasion, (level,)).values():
                yield [item._replace(score=0.0) for item in items]
        yield [item._replace(score=0.0) for item in self.blend.recommend((), POOL)]

    def _explore(
        self,
        shown: list[RecommendedItem],
        rest: list[Scored],
        occasion: Occasion,
        barred: set[str],
        seed: str,
        now: float,
    ) -> RecommendedItem:
        """Return the item for the last place: the usual one, or another that a single level would show.

        `rest` is what would have come next; it is offered too, so there is always something to draw.
        """
        share = self.rules.exploration
        if not is_explored(seed, share):
            return replace(shown[-1], propensity=1 - share)
        listed = {item.item_id for item in shown}
        groups = CappedGroups(self.rules.caps, self.catalogue.facts)
        for item in shown[:-1]:
            groups.add(item.item_id)
        scores = {item_id: score for item_id, score, _ in rest}
        offers = {NEXT_IN_LINE: list(scores)}
        for level, items in self.levels.ask(occasion, LEVELS).items():
            fitting = (
                item
                for item in items
                if item.item_id not in listed
                and groups.has_room(item.item_id)
                and self._may_show(item.item_id, barred, now)
            )
            offered = list(islice(fitting, self.rules.offers_per_source))
            scores |= {item.item_id: item.score for item in offered}
            if offered:
                offers[level] = [item.item_id for item in offered]
        drawn = draw_offer(offers, self.bandit, seed)
        return RecommendedItem(
            drawn.item_id, scores[drawn.item_id], drawn.source, share * drawn.probability, is_explored=True
        )


def _item_features(facts: ItemFacts) -> list[str]:
    named = (("category", facts.category), ("brand", facts.brand))
    return [f"{name}:{value}" for name, value in named if value is not None]


def _digest(user: str) -> str:
    return str(owner_key(user))
