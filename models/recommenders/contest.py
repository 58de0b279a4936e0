"""What every contestant would answer at a sampled position, and what follows from it."""

from models.recommenders.blend import Blend, rank
from models.recommenders.factorisation import Factorisation
from models.recommenders.judge import StreamJudge
from models.recommenders.prequential_gate import PrequentialGate
from models.recommenders.prequential_scores import CUTOFFS
from models.recommenders.surface_levels import LEVELS, Occasion, SurfaceLevels

SURFACE = "surface"
DEPTH = CUTOFFS[-1]


def judge_click(
    occasion: Occasion,
    clicked: str,
    blend: Blend,
    levels: SurfaceLevels,
    judge: StreamJudge,
    gate: PrequentialGate,
) -> None:
    """Judge the blend's sources, the levels and their mixture by a click, then let weights and gate learn.

    `surface` is the mixture as it stands, before rules and exploration; the blend's popularity is always
    among the contestants.
    """
    view = blend.view(occasion.session_items)
    answers = {
        source.name: [item.item_id for item in rank(blend.index, source.candidates(view), DEPTH, source.name)]
        for source in blend.sources
    }
    found = levels.ask(occasion, LEVELS)
    for level in LEVELS:
        answers[level] = [item.item_id for item in found.get(level, ())][:DEPTH]
    with_factors, without_factors = (
        [item.item_id for item in levels.mix(occasion, found, levels.weigh(occasion, on), on)[:DEPTH]]
        for on in (True, False)
    )
    answers[SURFACE] = with_factors if gate.is_open else without_factors
    judge.score(answers, clicked, blend.index)
    if Factorisation.name in found:
        gate.judge(_reciprocal_rank(with_factors, clicked), _reciprocal_rank(without_factors, clicked))
    levels.learn(occasion, found, clicked)


def _reciprocal_rank(ranked: list[str], clicked: str) -> float:
    return 1 / (ranked.index(clicked) + 1) if clicked in ranked else 0.0
