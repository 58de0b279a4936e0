"""A recommender that begins with a snapshot, beside one that read everything."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.observability.metrics import Metrics
from stream_app.runtimes.kafka.models.fed_recommender import FedRecommender
from stream_app.runtimes.kafka.models.sealed import seal
from stream_app.runtimes.kafka.models.snapshots import Version
from stream_app.schemas.envelopes import Cause, output_id
from stream_app.schemas.outputs import ClosedSession, ExploredPlace, SourcePosition, UserErased
from stream_app.settings.environment import Settings
from stream_app.testing import START

KEY = "sixteen-and-more-characters"
NAME = "blend"
kinds = st.one_of(
    st.tuples(
        st.just("closed_session"),
        st.sampled_from("uvw"),
        st.lists(st.sampled_from("abcd"), min_size=1, max_size=4),
    ),
    st.tuples(st.just("user_erased"), st.sampled_from("uvw"), st.just([])),
    st.tuples(st.sampled_from(["shown", "clicked", "broken"]), st.just("u"), st.just([])),
)
topics = st.lists(st.tuples(kinds, st.integers(0, 20)), max_size=14)


def record(offset: int, kind: str, user: str, items: list[str], number: int) -> SimpleNamespace:
    """A record of the topic of sessions; equal numbers of a kind are repeats of one output."""
    at = datetime.fromtimestamp(START + number, UTC)
    envelope = {
        "id": output_id(kind, Cause("t", 0, number), user),
        "user_key": user,
        "as_of": at,
        "emitted_at": at,
        "source": SourcePosition(topic="t", partition=0, offset=number),
    }
    values = {
        "closed_session": lambda: ClosedSession(
            session_id="s", started_at=at, ended_at=at, duration=1, event_count=1, page_views=1,
            items=items, is_bot=False, may_personalise=True, **envelope,
        ),
        "user_erased": lambda: UserErased(**envelope),
        "shown": lambda: ExploredPlace(request_id="r", item_source="markov", is_clicked=False, **envelope),
        "clicked": lambda: ExploredPlace(request_id="r", item_source="markov", is_clicked=True, **envelope),
    }  # fmt: skip
    value = values[kind]().model_dump_json().encode() if kind in values else b"{"
    return SimpleNamespace(value=value, offset=offset, timestamp=0)


def fresh(key: str = KEY) -> FedRecommender:
    return FedRecommender(Settings(snapshot_key=key), Metrics())


def fed(records: Sequence[SimpleNamespace]) -> FedRecommender:
    recommender = fresh()
    if records:
        recommender.learn_records(records)
    return recommender


def snapshot_of(recommender: FedRecommender) -> Version:
    state = recommender.recommender.surface.to_state()
    return Version(recommender.offset, 0, seal(state, NAME, recommender.offset, KEY.encode()))


@given(topics, st.integers(0, 14))
@settings(max_examples=30, deadline=None)
def test_begun_with_a_snapshot_is_read_from_the_beginning(topic, split) -> None:
    records = [record(offset, *kind, number) for offset, (kind, number) in enumerate(topic)]  # type: ignore[call-arg]
    restored, whole = fresh(), fed(records)
    if records[:split]:
        assert restored._load_snapshot(NAME, snapshot_of(fed(records[:split])))
    if records[restored.begin_offset :]:
        restored.learn_records(records[restored.begin_offset :])
    assert restored.recommender.surface.to_state() == whole.recommender.surface.to_state()
    assert restored.offset == whole.offset


def test_a_snapshot_of_somebody_else_is_refused_and_counted() -> None:
    version = snapshot_of(fed([record(0, "closed_session", "u", ["a", "b"], 1)]))
    other = fresh("quite-another-secret-key")
    assert not other._load_snapshot(NAME, version)
    assert other.begin_offset == 0
    labels = {"reason": "signature"}
    assert other._metrics.registry.get_sample_value("stream_app_refused_snapshots_total", labels) == 1
    assert other.recommender.stamp().examples_seen == 0
