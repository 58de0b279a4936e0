"""One place of a list in which, now and then, another source may show what it would.

The source is drawn by a bandit with the interface of River's (`river.bandit.base.Policy`). River's own
policies do not tell with what probability they choose an arm, which the judging of recommendations from
logged clicks needs (inverse propensity scoring: Bottou et al., JMLR 2013); this one can.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from random import Random
from typing import NamedTuple, Self

import msgspec
from river import bandit, proba

PRIOR_CLICKS = 1
PRIOR_MISSES = 19
UNIFORM_SHARE = 0.2
MOST_OBSERVATIONS = 10_000.0  # per source; then half of them is forgotten, so that old ones fade


class BanditState(msgspec.Struct):
    """Clicks and misses by source, the prior in them."""

    rewards: dict[str, tuple[float, float]]


class SourceBandit(bandit.base.Policy):  # type: ignore[misc]
    """Draws a source in proportion to its click rate; a part of the draws is uniform, so none starves."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(reward_obj=proba.Beta(PRIOR_CLICKS, PRIOR_MISSES))
        self.seed = seed
        self._rng = Random(seed)

    def propensities(self, arm_ids: Sequence[str]) -> dict[str, float]:
        """Return the probability with which each source would be drawn from these."""
        rates = {arm: self._rate(arm) for arm in arm_ids}
        total = sum(rates.values())
        uniform = UNIFORM_SHARE / len(rates)
        return {arm: uniform + (1 - UNIFORM_SHARE) * rate / total for arm, rate in rates.items()}

    def draw(self, arm_ids: Sequence[str], luck: float) -> str:
        """Return the source on which a number drawn from [0, 1) falls."""
        for arm, share in self.propensities(arm_ids).items():
            luck -= share
            if luck < 0:
                return arm
        return arm_ids[-1]

    def note_shown(self, arm: str) -> None:
        """Learn that a source showed an item by its own choice: a miss, until it is clicked."""
        self.update(arm, False)
        reward = self._rewards[arm]
        if reward.alpha + reward.beta > MOST_OBSERVATIONS:
            reward.alpha, reward.beta = reward.alpha / 2, reward.beta / 2

    def note_clicked(self, arm: str) -> None:
        """Learn that what was noted as shown was clicked."""
        self._rewards[arm].revert(False)
        self.update(arm, True)

    def to_state(self) -> BanditState:
        """Return what was learned."""
        rewards = {
            str(arm): (float(reward.alpha), float(reward.beta)) for arm, reward in self._rewards.items()
        }
        return BanditState(rewards)

    @classmethod
    def from_state(cls, state: BanditState) -> Self:
        """Return what `to_state` described."""
        policy = cls()
        for arm, (alpha, beta) in state.rewards.items():
            policy._rewards[arm] = proba.Beta(alpha, beta)
        return policy

    def _pull(self, arm_ids: list[str]) -> str:
        return self.draw(arm_ids, self._rng.random())

    def _rate(self, arm: str) -> float:
        if arm not in self._rewards:
            return PRIOR_CLICKS / (PRIOR_CLICKS + PRIOR_MISSES)
        reward = self._rewards[arm]
        return float(reward.alpha / (reward.alpha + reward.beta))


class Drawn(NamedTuple):
    """An item drawn from what sources offer, and the probability of drawing it from any of them."""

    item_id: str
    source: str
    probability: float


def is_explored(seed: str, share: float) -> bool:
    """Say whether the place of a list is drawn; true for a share of all seeds."""
    return chance(seed, "is explored") < share


def draw_offer(offers: Mapping[str, Sequence[str]], policy: SourceBandit, seed: str) -> Drawn:
    """Let the policy draw a source and chance one of the items that it offers, each as likely as the others.

    `offers` has a few distinct items for each source, none empty; sources may offer the same. Chance is a
    function of `seed`: the same cause shows the same.
    """
    sources = sorted(offers)
    propensities = policy.propensities(sources)
    source = policy.draw(sources, chance(seed, "source"))
    drawn = offers[source][int(chance(seed, "offer") * len(offers[source]))]
    probability = sum(propensities[name] / len(offers[name]) for name in sources if drawn in offers[name])
    return Drawn(drawn, source, min(probability, 1.0))  # shares that make up the whole may add up to more


def chance(seed: str, purpose: str) -> float:
    """Return a number from [0, 1) that is a function of a cause and a purpose."""
    digest = blake2b(f"{purpose}:{seed}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2.0**56
