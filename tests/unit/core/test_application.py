from stream_app.core.application import apply_event
from stream_app.features.finished_sessions import finish_session
from stream_app.features.user_row import UserRow
from stream_app.intake.decoding import TimedEvent
from stream_app.intake.wire import convert_event
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, START, page, session

RULES = Rules()


def timed(value: bytes) -> TimedEvent:
    parsed = convert_event(EVENT_ADAPTER.validate_json(value).model_dump(by_alias=True, exclude_none=True))
    return TimedEvent(parsed, "u", parsed.timestamp.timestamp())


def apply(row: UserRow, *values: bytes) -> None:
    for offset, value in enumerate(values):
        apply_event(row, timed(value), Cause("events", 0, offset), INTAKE.cleaner, RULES)


def test_a_summary_takes_the_place_of_the_events_it_covers() -> None:
    row = UserRow()
    apply(row, page("u", 0, "a"), page("u", 60, "b"))
    summary = timed(session("u", 70, 70, 5, sessionId="s"))
    finished = apply_event(row, summary, Cause("events", 0, 2), INTAKE.cleaner, RULES).finished
    assert (finished.session_id, finished.started_at, finished.ended_at) == ("s", START, START + 70)
    assert (finished.event_count, finished.page_views, finished.items) == (2, 5, ["a", "b"])
    assert row.open_sessions == []
    assert sum(tile[1] for tile in row.tiles[0].values()) == 2  # its page views were counted already


def test_a_finished_session_counts_once_with_its_gap_to_the_last() -> None:
    row = UserRow()
    apply(row, page("u", 0), page("u", 60), page("u", 7_200))
    for open_session in list(row.open_sessions):
        finish_session(row, open_session, START)
    assert (row.session_durations.count, row.session_durations.high) == (2, 60)
    assert (row.session_gaps.count, row.session_gaps.mean) == (1, 7_140)
    assert row.last_session_end == START + 7_200
