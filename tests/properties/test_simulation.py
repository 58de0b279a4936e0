"""Whatever the settings: valid events in order of arrival, each message once but for stated repeats."""

import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.simulation.settings import SimulationSettings, read_settings
from stream_app.simulation.writer import simulate, write_simulation

any_settings = st.builds(
    SimulationSettings,
    users=st.integers(1, 40),
    days=st.integers(1, 5),
    seed=st.integers(0, 2**63 - 1),
    items=st.integers(24, 80),
    start=st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(
        lambda at: at.replace(microsecond=0)
    ),
    bot_share=st.floats(0, 0.5),
    late_share=st.floats(0, 0.25),
    repeat_share=st.floats(0, 0.5),
    anonymous_share=st.floats(0, 0.4),
    session_event_share=st.floats(0, 1),
    label_share=st.floats(0, 1),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_settings)
def test_any_simulation_keeps_its_promises(asked: SimulationSettings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        summary = write_simulation(asked, Path(folder))
        events = [orjson.loads(line) for line in summary.events_path.read_bytes().splitlines()]
        truths = [orjson.loads(line) for line in summary.truth_path.read_bytes().splitlines()]
        assert read_settings(summary.truth_path) == asked
    assert (summary.events, summary.truths) == (len(events), len(truths))
    received = [event["receivedAt"] for event in events]
    assert received == sorted(received)
    for event in events:
        assert EVENT_ADAPTER.validate_python(event).user_key
    repeats = Counter(record["message_id"] for record in truths if record.get("is_repeat"))
    assert Counter(event["messageId"] for event in events) - repeats == Counter(
        {event["messageId"]: 1 for event in events}
    )
    for record in truths:
        if record["kind"] == "outlook":
            for probability in (record["present"], *record["returns"], *record["churns"], *record["buys"]):
                assert 0 <= probability <= 1


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_settings)
def test_a_simulation_is_a_function_of_its_settings(asked: SimulationSettings) -> None:
    assert list(simulate(asked)) == list(simulate(asked))
