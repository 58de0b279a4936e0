"""Sessions, open and closed, against an oracle that keeps every event."""

from hypothesis import given
from hypothesis import strategies as st
from properties.features.oracle.comparing import every_stream, near, plain_stats, told_stats
from properties.features.oracle.runs import Run
from properties.features.oracle.streams import SINGLE_EVENTS, Manner, streams
from properties.features.oracle.visits import Closed, spans_by_gaps

from stream_app.schemas.outputs import ClosedSession
from stream_app.settings.rules import HOUR, Rules

PAUSES = st.sampled_from([0.5, 60.0, 400.0, 1_200.0, 2_000.0])


def told_closed(run: Run, user: str) -> list[Closed]:
    return [
        Closed(
            output.source.offset,
            output.session_id,
            output.started_at.timestamp(),
            output.ended_at.timestamp(),
            output.duration,
            output.event_count,
            output.page_views,
            list(output.items),
        )
        for output in run.outputs
        if isinstance(output, ClosedSession) and output.user_key == user
    ]


@every_stream
@given(streams(pause=PAUSES, tracker_sessions="none", kinds=SINGLE_EVENTS))
def test_sessions_are_cut_where_nothing_happened_for_long(manner: Manner) -> None:
    run = Run(manner, Rules(session_limit=1e9))
    for row, history, visits in run.users:
        told = [(session.started_at, session.last_at, session.event_count) for session in row.open_sessions]
        closed = [(session.start, session.end, session.events) for session in visits.closed]
        times = [kept.at for kept in history.single_uses]
        assert closed + told == spans_by_gaps(times, run.rules.session_gap)
        assert all(end + run.rules.session_gap <= run.oracle.watermark for _, end, _ in closed)
        assert all(end + run.rules.session_gap > run.oracle.watermark for _, end, _ in told)


@every_stream
@given(streams(pause=PAUSES, idle_share=st.sampled_from([0.0, 0.1])), st.sampled_from([HOUR, 24 * HOUR]))
def test_closed_sessions(manner: Manner, limit: float) -> None:
    run = Run(manner, Rules(session_limit=limit))
    for user, (_, _, visits) in zip(run.oracle.histories, run.users, strict=True):
        assert told_closed(run, user) == visits.sent


@every_stream
@given(streams(pause=PAUSES, idle_share=st.sampled_from([0.0, 0.1])), st.sampled_from([HOUR, 24 * HOUR]))
def test_open_sessions(manner: Manner, limit: float) -> None:
    run = Run(manner, Rules(session_limit=limit))
    for row, _, visits in run.users:
        expected = sorted(visits.open, key=lambda visit: visit.start)
        assert [
            (
                told.started_at,
                told.last_at,
                told.event_count,
                told.page_views,
                told.tracker_id,
                told.last_offset,
            )
            for told in row.open_sessions
        ] == [
            (
                visit.start,
                visit.end,
                len(visit.events),
                sum(event.is_view for event in visit.events),
                visit.tracker_id,
                max(event.offset for event in visit.events),
            )
            for visit in expected
        ]
        assert [told.items for told in row.open_sessions] == [visit.looks for visit in expected]


@every_stream
@given(streams(pause=PAUSES, idle_share=st.sampled_from([0.0, 0.1])))
def test_statistics_of_sessions(manner: Manner) -> None:
    for row, _, visits in Run(manner).users:
        closed = visits.closed
        durations = [session.duration for session in closed]
        assert told_stats(row.session_durations) == near(plain_stats(durations))
        views = [float(session.page_views) for session in closed]
        assert told_stats(row.session_page_views) == near(plain_stats(views))
        assert told_stats(row.session_gaps) == near(plain_stats(visits.pauses))
        assert row.last_session_end == max((session.end for session in closed), default=0.0)
