"""What a worker's recommender learns and forgets from the topic of sessions."""

from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace

import pytest
from pydantic import BaseModel
from support.item_outcomes import outcomes

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.models.explored import explored_places
from stream_app.runtimes.kafka.models.loaded_models import LoadedModels
from stream_app.schemas.catalogue import CatalogueItem
from stream_app.schemas.envelopes import Cause, output_id
from stream_app.schemas.outputs import (
    ClosedSession,
    ItemOutcomes,
    Output,
    RecommendationClick,
    Recommendations,
    RecommendedItem,
    SourcePosition,
    UserErased,
)
from stream_app.settings.environment import Settings
from stream_app.testing import START

ENVELOPE = {
    "as_of": datetime.fromtimestamp(START, UTC),
    "emitted_at": datetime.fromtimestamp(START, UTC),
    "source": SourcePosition(topic="clickstream.events.v1", partition=0, offset=0),
}


def closed(user: str, number: int, is_bot: bool = False) -> ClosedSession:
    return ClosedSession(
        id=output_id("closed_session", Cause("t", 0, number), user),
        user_key=user,
        session_id=str(number),
        started_at=ENVELOPE["as_of"],
        ended_at=ENVELOPE["as_of"],
        duration=1.0,
        event_count=2,
        page_views=2,
        items=[f"item-{number}", "item"],
        is_bot=is_bot,
        **ENVELOPE,
    )


def erased(user: str, number: int) -> UserErased:
    return UserErased(id=output_id("user_erased", Cause("t", 0, number), user), user_key=user, **ENVELOPE)


def sent(number: int, is_explored: bool) -> Recommendations:
    item = RecommendedItem(item_id="item", score=1, source="markov", propensity=0.1, is_explored=is_explored)
    return Recommendations(
        id=output_id("recommendations", Cause("t", 0, number)),
        user_key="u",
        request_id="r",
        items=[item],
        expires_at=ENVELOPE["as_of"],
        consent=[],
        control_group=None,
        **ENVELOPE,
    )


def clicked(number: int, is_explored: bool) -> RecommendationClick:
    return RecommendationClick(
        id=output_id("recommendation_click", Cause("t", 0, number)),
        user_key="u",
        request_id="r",
        item_id="item",
        rank=1,
        item_source="markov",
        propensity=0.1,
        is_explored=is_explored,
        delay=1.0,
        **ENVELOPE,
    )


def records(*values: BaseModel) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(value=value.model_dump_json().encode(), offset=number, timestamp=0)
        for number, value in enumerate(values)
    ]


def fresh() -> LoadedModels:
    return LoadedModels(Settings(snapshot_key="sixteen-and-more-characters"), Metrics())


def fed_with(*outputs: Output) -> LoadedModels:
    loaded = fresh()
    loaded._learn_sessions(records(*outputs))
    return loaded


def learned(loaded: LoadedModels, user: str) -> list[list[str]]:
    return [items for _, items in loaded._recommender.sessions_of(user)]


def test_an_erased_user_is_forgotten_and_others_are_not() -> None:
    loaded = fed_with(closed("u", 0), closed("v", 1), erased("u", 2), closed("u", 3))
    assert learned(loaded, "u") == [["item-3", "item"]]
    assert learned(loaded, "v") == [["item-1", "item"]]


def test_a_repeat_of_what_was_forgotten_is_not_learned_again() -> None:
    loaded = fed_with(closed("u", 0), erased("u", 1), closed("u", 0), erased("u", 1))
    assert learned(loaded, "u") == []


def test_bots_and_broken_records_teach_nothing() -> None:
    loaded = fed_with(closed("u", 0, is_bot=True))
    loaded._learn_sessions([SimpleNamespace(value=b"{}", offset=1, timestamp=0)])
    assert learned(loaded, "u") == []


def test_clicks_on_explored_places_teach_each_worker_the_same() -> None:
    told = list(explored_places([sent(0, False), sent(1, True), clicked(2, True), clicked(3, False)]))
    assert [(place.item_source, place.is_clicked) for place in told] == [("markov", False), ("markov", True)]
    assert all(place.user_key is None for place in told)
    one, other = fed_with(*told), fed_with(*told, *told)  # a crash sends them again, under the same ids
    sources = ["blend", "markov"]
    chances = [
        loaded._recommender.surface.bandit.propensities(sources) for loaded in (one, other, fed_with(told[0]))
    ]
    assert chances[0] == chances[1]
    assert chances[0]["markov"] > 0.5 > chances[2]["markov"]


def test_it_makes_no_difference_when_the_catalogue_comes() -> None:
    items = records(*(CatalogueItem(item_id=f"item-{number}", category="x") for number in range(3)))
    closer = fresh()
    closer._apply_catalogue(items)
    sessions = records(*(closer.complete(closed("u", number)) for number in range(3)))
    before, after, never = fresh(), fresh(), fresh()
    before._apply_catalogue(items)
    for loaded in (before, after, never):
        loaded._learn_sessions(sessions)
    after._apply_catalogue(items)
    logs = [
        list(loaded._recommender.surface.fallback.log.sessions.values()) for loaded in (before, after, never)
    ]
    assert logs[0] == logs[1] == logs[2]
    assert logs[0][0].categories == ("x", None)
    assert before._recommender.surface.to_state() == after._recommender.surface.to_state()


def test_outcomes_of_starts_are_told_with_what_the_catalogue_says() -> None:
    loaded = fresh()
    loaded._apply_catalogue(records(CatalogueItem(item_id="c1", kind="course", attributes={"lessons": 9})))
    told = outcomes(1, Random(4))
    [first, *_] = told.outcomes
    told = told.model_copy(update={"outcomes": [first.model_copy(update={"item_id": "c1"})]})
    completed = loaded.complete(told)
    assert isinstance(completed, ItemOutcomes)
    assert completed.outcomes[0].features == {"kind": "course", "lessons": 9}
    assert (completed.id, completed.outcomes[0].started_at) == (told.id, first.started_at)


@pytest.mark.parametrize("method", ["_learn_sessions", "_apply_catalogue"])
def test_broken_records_are_counted_and_the_others_taken(method: str) -> None:
    loaded = fresh()
    good = closed("u", 0) if method == "_learn_sessions" else CatalogueItem(item_id="item", category="x")
    getattr(loaded, method)([SimpleNamespace(value=None, offset=0, timestamp=0), *records(good)])
    topic = "clickstream.sessions.v1" if method == "_learn_sessions" else "catalogue.items.v1"
    counted = loaded._metrics.registry.get_sample_value
    assert counted("stream_app_refused_records_total", {"topic": topic}) == 1
    assert learned(loaded, "u") or loaded._recommender.surface.catalogue.facts("item").category == "x"
