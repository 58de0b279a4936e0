"""The most likely next clicks of a session, as one path, found by beam search over the Markov chain."""

from typing import NamedTuple

from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.markov import MarkovChain
from stream_app.models.recommenders.session_index import SessionIndex
from stream_app.models.recommenders.session_view import SessionView

BEAM_WIDTH = 5


class NextClick(NamedTuple):
    """An item and its probability given the clicks before it on the path."""

    item_id: str
    probability: float


class _Path(NamedTuple):
    probability: float
    items: tuple[int, ...]
    steps: tuple[float, ...]


def next_clicks(
    chain: MarkovChain, index: SessionIndex, sums: ItemSums, items: list[int], steps: int
) -> list[NextClick]:
    """Return the likeliest path of at most `steps` clicks; shorter if nothing is known to follow.

    `items` are numbers of the index. Every probability is conditional on there being another click.
    """
    paths = [_Path(1.0, (), ())]
    for _ in range(steps):
        extended = [
            _Path(path.probability * share, (*path.items, item), (*path.steps, share))
            for path in paths
            for item, share in _likeliest(chain, SessionView(index, [*items, *path.items], sums))
        ]
        if not extended:
            break
        extended.sort(key=lambda path: -path.probability)
        paths = extended[:BEAM_WIDTH]
    ids = [index.item_ids[item] for item in paths[0].items]
    return [NextClick(item, share) for item, share in zip(ids, paths[0].steps, strict=True)]


def likeliest_clicks(
    chain: MarkovChain, index: SessionIndex, sums: ItemSums, items: list[int], count: int
) -> list[NextClick]:
    """Return at most `count` items that may be clicked next, the likeliest first; `items` as above."""
    found, shares = chain.candidates(SessionView(index, items, sums))
    best = (-shares).argsort(kind="stable")[:count]
    ids = [index.item_ids[item] for item in found[best].tolist()]
    return list(map(NextClick, ids, shares[best].tolist()))


def _likeliest(chain: MarkovChain, view: SessionView) -> list[tuple[int, float]]:
    items, shares = chain.candidates(view)
    best = (-shares).argsort(kind="stable")[:BEAM_WIDTH]
    return list(zip(items[best].tolist(), shares[best].tolist(), strict=True))
