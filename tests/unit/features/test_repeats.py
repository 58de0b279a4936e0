from random import Random

import pytest

from stream_app.features import repeats
from stream_app.features.user_row import MAX_RECENT_IDS, UserRow
from stream_app.intake.identifiers import event_fingerprint
from stream_app.intake.wire import Event, convert_event
from stream_app.schemas.events import EVENT_ADAPTER
from stream_app.settings.rules import Rules
from stream_app.testing import START, page, track

RULES = Rules()


def event_of(value: bytes) -> Event:
    parsed = EVENT_ADAPTER.validate_json(value)
    return convert_event(parsed.model_dump(by_alias=True, exclude_none=True))


def page_with_id(message_id: str, at: float = 0.0) -> Event:
    return event_of(page("u", at, messageId=message_id))


def comes_again(row: UserRow, event: Event, watermark: float) -> bool:
    fingerprint = event_fingerprint(event)
    if fingerprint in row.recent_ids:
        return True
    repeats.remember(row, fingerprint, event.timestamp.timestamp(), watermark)
    return False


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
            assert comes_again(row, page_with_id(name, seen[name]), watermark)
        else:
            seen[f"m{number}"] = round(now - random.uniform(0, RULES.allowed_lateness), 3)
            new = page_with_id(f"m{number}", seen[f"m{number}"])
            assert not comes_again(row, new, watermark)
        assert len(row.recent_ids) <= MAX_RECENT_IDS


def test_of_too_many_recent_ids_the_oldest_are_forgotten() -> None:
    row = UserRow()
    for number in range(MAX_RECENT_IDS + 10):
        assert not comes_again(row, page_with_id(f"m{number}"), 0.0)
    assert len(row.recent_ids) == MAX_RECENT_IDS
    assert event_fingerprint(page_with_id("m9")) not in row.recent_ids
    assert event_fingerprint(page_with_id("m10")) in row.recent_ids


def test_without_an_id_the_same_event_sent_again_is_a_repeat_and_any_other_is_not() -> None:
    row = UserRow()
    sent = [page("u", 0, sentAt=START + delay) for delay in (1, 9)]
    assert [comes_again(row, event_of(value), 0.0) for value in sent] == [False, True]
    others = [
        page("u", 1),
        page("u", 0, "item"),
        track("u", 0, "Opened"),
        page("v", 0),
        page("u", 0, name="x"),
    ]
    assert not any(comes_again(row, event_of(value), 0.0) for value in others)
