from datetime import UTC, datetime

from stream_app.learning.model_adapters import SessionRecommender
from stream_app.learning.ports import Occasion
from stream_app.models.recommenders.surface import Surface
from stream_app.models.recommenders.surface_rules import SurfaceRules
from stream_app.schemas.outputs import (
    ClosedSession,
    ItemFacts,
    RecommendationClick,
    Recommendations,
    RecommendedItem,
    SourcePosition,
)

NOW = datetime(2024, 3, 4, tzinfo=UTC)
AT = NOW.timestamp()
SOURCE = SourcePosition(topic="t", partition=0, offset=0)


def closed(user: str, items: list[str], **fields: object) -> ClosedSession:
    session = {
        "id": "0" * 32, "user_key": user, "as_of": NOW, "emitted_at": NOW, "source": SOURCE, "duration": 1,
        "session_id": "s", "started_at": NOW, "ended_at": NOW, "event_count": 1, "page_views": 1,
        "items": items, "is_bot": False, "may_personalise": True,
    }  # fmt: skip
    return ClosedSession.model_validate(session | fields)


def ids(recommender: SessionRecommender, *items: str, **occasion: object) -> list[str]:
    shown = recommender.recommend(Occasion(items, AT, "seed", **occasion), 10)  # type: ignore[arg-type]
    return [item.item_id for item in shown]


def test_sessions_of_bots_and_empty_ones_teach_nothing() -> None:
    recommender = SessionRecommender(Surface())
    assert not recommender.learn(closed("u", ["a"], is_bot=True))
    assert not recommender.learn(closed("u", []))
    assert recommender.stamp().examples_seen == 0
    assert recommender.learn(closed("u", ["a", "b"]))
    assert recommender.stamp().examples_seen == 1


def test_what_events_and_the_context_told_is_learned() -> None:
    recommender = SessionRecommender(Surface())
    facts = {"tea": ItemFacts(category="drinks", brand="Arbel")}
    recommender.learn(closed("u", ["tea"], item_facts=facts, device="mobile", country="DE"))
    assert recommender.surface.catalogue.facts("tea").brand == "Arbel"
    [logged] = recommender.surface.fallback.log.sessions.values()
    assert (logged.context.device, logged.context.country, logged.context.hour_band) == (
        "mobile", "DE", "night",
    )  # fmt: skip
    assert logged.categories == ("drinks",)


def test_without_consent_nothing_is_learned_of_the_user_but_they_can_be_forgotten() -> None:
    recommender = SessionRecommender(Surface())
    for _ in range(3):
        recommender.learn(closed("u", ["a", "b"], may_personalise=False))
    assert not recommender.surface.factorisation.users.used
    assert ids(recommender, "a")
    assert recommender.forget("u") == 3
    assert ids(recommender, "a") == []
    assert not recommender.surface.fallback.log.sessions


def test_what_was_bought_is_left_out_of_what_is_recommended() -> None:
    recommender = SessionRecommender(Surface())
    recommender.learn(closed("u", ["a", "b", "c"]))
    assert set(ids(recommender, "a")) == {"a", "b", "c"}
    assert set(ids(recommender, "a", bought=["b"])) == {"a", "c"}


def test_lists_and_clicks_teach_which_sources_are_liked() -> None:
    recommender = SessionRecommender(Surface(rules=SurfaceRules(exploration=0.5)))
    envelope = {"id": "0" * 32, "user_key": "u", "as_of": NOW, "emitted_at": NOW, "source": SOURCE}
    item = RecommendedItem(item_id="a", score=1, source="blend", propensity=0.1, is_explored=True)
    sent = Recommendations.model_validate(
        envelope
        | {"request_id": "r", "items": [item], "expires_at": NOW, "consent": [], "control_group": None}
    )
    click = RecommendationClick.model_validate(
        envelope
        | {"request_id": "r", "item_id": "a", "rank": 1, "item_source": "blend", "propensity": 0.1}
        | {"is_explored": True, "delay": 3.0}
    )
    arms = ["blend", "popularity"]
    before = recommender.surface.bandit.propensities(arms)
    assert recommender.learn(sent)
    assert recommender.surface.bandit.propensities(arms)["blend"] < before["blend"]
    assert recommender.learn(click)
    assert recommender.surface.bandit.propensities(arms)["blend"] > before["blend"]
    assert recommender.surface.attribution.by_source["blend"].clicked == 1
