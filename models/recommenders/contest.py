"""What every contestant would answer at a sampled position, and what is learned from it."""

from stream_app.models.recommenders.blend import Blend
from stream_app.models.recommenders.factorisation import Factorisation
from stream_app.models.recommenders.judge import StreamJudge
from stream_app.models.recommenders.prequential_gate import PrequentialGate
from stream_app.models.recommenders.prequential_scores import CUTOFFS
from stream_app.models.recommenders.surface_levels import (
    BLEND,
    LEVELS,
    POOL,
    LevelItems,
    Occasion,
    SurfaceLevels,
)

SURFACE = "surface"
DEPTH = CUTOFFS[-1]
LEVELS_BESIDE_BLEND = tuple(level for level in LEVELS if level != BLEND)


def judge_click(
    occasion: Occasion,
    clicked: str,
    blend: Blend,
    levels: SurfaceLevels,
    judge: StreamJudge,
    gate: PrequentialGate,
) -> None:
    """Judge the blend's sources, the levels and their mixture by a click, then update weights and gate.

    `surface` is the current mixture, before rules and exploration; the blend's popularity is always one of
    the contestants.
    """
    blended = blend.recommend(occasion.session_items, POOL)
    answers = blend.leading_by_source(DEPTH)
    found = ({BLEND: blended} if blended else {}) | levels.ask(occasion, LEVELS_BESIDE_BLEND)
    for level in LEVELS:
        answers[level] = [item.item_id for item in found.get(level, ())][:DEPTH]
    answers[SURFACE] = _mixture(occasion, found, levels, gate.is_open)
    judge.score(answers, clicked, blend.index)
    if Factorisation.name in found:
        other = _mixture(occasion, found, levels, not gate.is_open)
        with_factors, without = (answers[SURFACE], other) if gate.is_open else (other, answers[SURFACE])
        gate.judge(_reciprocal_rank(with_factors, clicked), _reciprocal_rank(without, clicked))
    levels.learn(occasion, found, clicked)


def _mixture(occasion: Occasion, found: LevelItems, levels: SurfaceLevels, is_factorising: bool) -> list[str]:
    weights = levels.weigh(occasion, is_factorising)
    return [item.item_id for item in levels.mix(occasion, found, weights, is_factorising, DEPTH)]


def _reciprocal_rank(ranked: list[str], clicked: str) -> float:
    return 1 / (ranked.index(clicked) + 1) if clicked in ranked else 0.0
