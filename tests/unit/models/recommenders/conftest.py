import random
from collections.abc import Callable

import pytest

from stream_app.models.recommenders import SessionIndex
from stream_app.models.recommenders.item_sums import ItemSums
from stream_app.models.recommenders.session_view import SessionView, Source

DAY = 86_400.0


@pytest.fixture
def sessions() -> list[tuple[list[str], float]]:
    """Random sessions in time order over few items, so that they repeat and meet."""
    draw = random.Random(7)
    return [
        (draw.choices("abcdefgh", weights=range(8, 0, -1), k=draw.randint(1, 7)), turn * DAY / 10)
        for turn in range(120)
    ]


@pytest.fixture
def index(sessions) -> SessionIndex:
    index = SessionIndex()
    for items, ended_at in sessions:
        index.learn_session(items, ended_at)
    return index


@pytest.fixture
def candidates_of(index) -> Callable[..., dict[str, float]]:
    def candidates_of(source: Source, session: str, asked: SessionIndex = index) -> dict[str, float]:
        view = SessionView(asked, asked.numbers_of(list(session)), ItemSums(asked.limits.items + 1))
        items, scores = source.candidates(view)
        assert len(set(items.tolist())) == len(items)
        return {asked.item_ids[item]: score for item, score in zip(items, scores, strict=True)}

    return candidates_of


@pytest.fixture
def shares() -> Callable[[dict[str, float]], dict[str, float]]:
    def shares(weights: dict[str, float]) -> dict[str, float]:
        total = sum(weights.values())
        return {item: weight / total for item, weight in weights.items() if weight}

    return shares
