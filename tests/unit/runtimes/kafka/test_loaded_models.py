"""What a worker's recommender learns and forgets from the topic of sessions."""

from datetime import UTC, datetime
from types import SimpleNamespace

from schemas.outputs import ClosedSession, Output, SourcePosition, UserErased
from stream_app.core.identifiers import Cause, output_id
from stream_app.metrics import Metrics
from stream_app.runtimes.kafka.loaded_models import LoadedModels
from stream_app.settings import Settings
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


def taken(*outputs: Output) -> LoadedModels:
    loaded = LoadedModels(Settings(snapshot_key="sixteen-and-more-characters"), Metrics())
    loaded._learn_sessions(
        [
            SimpleNamespace(value=output.model_dump_json().encode(), offset=number, timestamp=0)
            for number, output in enumerate(outputs)
        ]
    )
    return loaded


def learned(loaded: LoadedModels, user: str) -> list[list[str]]:
    return [items for _, items in loaded._recommender.sessions_of(user)]


def test_an_erased_user_is_forgotten_and_others_are_not() -> None:
    loaded = taken(closed("u", 0), closed("v", 1), erased("u", 2), closed("u", 3))
    assert learned(loaded, "u") == [["item-3", "item"]]
    assert learned(loaded, "v") == [["item-1", "item"]]


def test_a_repeat_of_what_was_forgotten_is_not_learned_again() -> None:
    loaded = taken(closed("u", 0), erased("u", 1), closed("u", 0), erased("u", 1))
    assert learned(loaded, "u") == []


def test_bots_and_broken_records_teach_nothing() -> None:
    loaded = taken(closed("u", 0, is_bot=True))
    loaded._learn_sessions([SimpleNamespace(value=b"{}", offset=1, timestamp=0)])
    assert learned(loaded, "u") == []
