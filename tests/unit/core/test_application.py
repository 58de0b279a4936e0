from random import Random

import pytest

from stream_app.core.application import apply_event, finish_session, is_repeat
from stream_app.features.user_row import MAX_RECENT_IDS, UserRow
from stream_app.intake.decoding import TimedEvent
from stream_app.intake.identifiers import event_fingerprint
from stream_app.intake.wire import Event, convert_event
from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, START, page, session, track

RULES = Rules()


def timed(value: bytes) -> TimedEvent:
    parsed = convert_event(EVENT_ADAPTER.validate_json(value).model_dump(by_alias=True, exclude_none=True))
    return TimedEvent(parsed, "u", parsed.timestamp.timestamp())


def page_with_id(message_id: str) -> Event:
    return timed(page("u", 0, messageId=message_id)).event


def apply(row: UserRow, *values: bytes) -> None:
    for offset, value in enumerate(values):
        apply_event(row, timed(value), "events", offset, INTAKE.cleaner, RULES)


@pytest.mark.parametrize("seed", range(5))
def test_repeats_within_the_allowed_lateness_are_all_known(seed: int) -> None:
    random, row, seen, now = Random(seed), UserRow(), {}, 0.0
    for number in range(1_500):
        now += random.expovariate(1 / 15)
        watermark = START + now - RULES.allowed_lateness
        seen = {name: at for name, at in seen.items() if at + START >= watermark}
        oldest = sorted(seen, key=seen.__getitem__)[:3]
        if oldest and random.random() < 0.4:
            name = random.choice(oldest)
            assert is_repeat(row, timed(page("u", seen[name], messageId=name)), watermark)
        else:
            seen[f"m{number}"] = round(now - random.uniform(0, RULES.allowed_lateness), 3)
            new = timed(page("u", seen[f"m{number}"], messageId=f"m{number}"))
            assert not is_repeat(row, new, watermark)
        assert len(row.recent_ids) <= MAX_RECENT_IDS


def test_of_too_many_recent_ids_the_oldest_are_forgotten() -> None:
    row = UserRow()
    for number in range(MAX_RECENT_IDS + 10):
        assert not is_repeat(row, timed(page("u", 0, messageId=f"m{number}")), 0.0)
    assert len(row.recent_ids) == MAX_RECENT_IDS
    assert event_fingerprint(page_with_id("m9")) not in row.recent_ids
    assert event_fingerprint(page_with_id("m10")) in row.recent_ids


def test_without_an_id_the_same_event_sent_again_is_a_repeat_and_any_other_is_not() -> None:
    row = UserRow()
    sent = [page("u", 0, sentAt=START + delay) for delay in (1, 9)]
    assert [is_repeat(row, timed(value), 0.0) for value in sent] == [False, True]
    others = [
        page("u", 1),
        page("u", 0, "item"),
        track("u", 0, "Opened"),
        page("v", 0),
        page("u", 0, name="x"),
    ]
    assert not any(is_repeat(row, timed(value), 0.0) for value in others)


def test_a_summary_takes_the_place_of_the_events_it_covers() -> None:
    row = UserRow()
    apply(row, page("u", 0, "a"), page("u", 60, "b"))
    summary = timed(session("u", 70, 70, 5, sessionId="s"))
    finished = apply_event(row, summary, "events", 2, INTAKE.cleaner, RULES).finished
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
