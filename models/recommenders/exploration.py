"""Exploration: occasionally, one place of a list goes to an item of another source.

A bandit with River's interface (`river.bandit.base.Policy`) draws the source. River's own policies do not
expose the probability of choosing an arm, which is needed to evaluate recommendations from logged clicks
(inverse propensity scoring: Bottou et al., JMLR 2013); this one does.
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
MOST_OBSERVATIONS = 10_000.0  # per source; counts are then halved, so that old ones fade


class BanditState(msgspec.Struct):
    """Clicks and misses by source, including the prior."""

    rewards: dict[str, tuple[float, float]]


class SourceBandit(bandit.base.Policy):  # type: ignore[misc]
    """Draws a source in proportion to its click rate; some draws are uniform, so that none starves."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(reward_obj=proba.Beta(PRIOR_CLICKS, PRIOR_MISSES))
        self.seed = seed
        self._rng = Random(seed)

    def propensities(self, arm_ids: Sequence[str]) -> dict[str, float]:
        """Return the probability of drawing each of these sources."""
        rates = {arm: self._rate(arm) for arm in arm_ids}
        total = sum(rates.values())
        uniform = UNIFORM_SHARE / len(rates)
        return {arm: uniform + (1 - UNIFORM_SHARE) * rate / total for arm, rate in rates.items()}

    def draw(self, arm_ids: Sequence[str], luck: float) -> str:
        """Return the source for a number drawn from [0, 1)."""
        for arm, share in self.propensities(arm_ids).items():
            luck -= share
            if luck < 0:
                return arm
        return arm_ids[-1]

    def note_shown(self, arm: str) -> None:
        """Note that a source's item was shown by exploration: a miss, until it is clicked."""
        self.update(arm, False)
        reward = self._rewards[arm]
        if reward.alpha + reward.beta > MOST_OBSERVATIONS:
            reward.alpha, reward.beta = reward.alpha / 2, reward.beta / 2

    def note_clicked(self, arm: str) -> None:
        """Note a click on an item noted as shown."""
        self._rewards[arm].revert(False)
        self.update(arm, True)

    def to_state(self) -> BanditState:
        """Return everything learned."""
        rewards = {
            str(arm): (float(reward.alpha), float(reward.beta)) for arm, reward in self._rewards.items()
        }
        return BanditState(rewards)

    @classmethod
    def from_state(cls, state: BanditState) -> Self:
        """Restore what `to_state` returned."""
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
    """An item drawn from the sources' offers, and the total probability of drawing it."""

    item_id: str
    source: str
    probability: float


def is_explored(seed: str, share: float) -> bool:
    """Return whether a list explores; true for this share of all seeds."""
    return chance(seed, "is explored") < share


def draw_offer(offers: Mapping[str, Sequence[str]], policy: SourceBandit, seed: str) -> Drawn:
    """Draw a source by the policy, and uniformly one of the items that it offers.

    `offers` has a few distinct items for each source, and none is empty; sources may offer the same items.
    The draw is a function of `seed`, so the same cause gives the same item.
    """
    sources = sorted(offers)
    propensities = policy.propensities(sources)
    source = policy.draw(sources, chance(seed, "source"))
    drawn = offers[source][int(chance(seed, "offer") * len(offers[source]))]
    probability = sum(propensities[name] / len(offers[name]) for name in sources if drawn in offers[name])
    return Drawn(drawn, source, min(probability, 1.0))  # rounding may let shares sum to more than 1


def chance(seed: str, purpose: str) -> float:
    """Return a pseudo-random number in [0, 1) for a cause and a purpose."""
    digest = blake2b(f"{purpose}:{seed}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2.0**56
