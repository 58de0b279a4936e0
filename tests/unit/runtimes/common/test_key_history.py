import pytest

from stream_app.errors import SettingsError
from stream_app.runtimes.common.key_history import (
    KeyUse,
    continue_with,
    decode_history,
    encode_history,
    fingerprint_of,
)

OLD, NEW, OTHER = b"the old key of a test", b"the new key of a test", b"quite another key"
DAY = 86_400.0
VALIDITY = 90 * DAY


def go_on(history: list[KeyUse], *keys: bytes, day: float) -> list[KeyUse]:
    return continue_with(history, keys, day * DAY, VALIDITY, "data")


def test_the_first_key_is_taken_and_stays() -> None:
    history = go_on([], OLD, day=1)
    assert history == [KeyUse(fingerprint_of(OLD), DAY)]
    assert go_on(history, OLD, day=500) == history
    assert go_on(history, OLD, OTHER, day=500) == history


def test_another_key_is_refused_with_what_to_do() -> None:
    history = go_on([], OLD, day=1)
    with pytest.raises(
        SettingsError, match="use that key, or, to replace it, list it in STREAM_APP_EARLIER"
    ) as told:
        go_on(history, NEW, day=2)
    assert fingerprint_of(OLD) in str(told.value)


def test_a_new_key_is_used_where_the_present_one_is_held_too() -> None:
    history = go_on(go_on([], OLD, day=1), NEW, OLD, day=2)
    assert history == [KeyUse(fingerprint_of(OLD), DAY, 2 * DAY), KeyUse(fingerprint_of(NEW), 2 * DAY)]
    with pytest.raises(SettingsError, match="another snapshot key"):
        go_on(history, OLD, day=3)


def test_an_earlier_key_is_needed_until_what_was_erased_under_it_has_expired() -> None:
    history = go_on(go_on([], OLD, day=1), NEW, OLD, day=2)
    with pytest.raises(SettingsError, match="EARLIER_SNAPSHOT_KEYS until 1970-04-03"):
        go_on(history, NEW, day=91.9)
    assert go_on(history, NEW, day=92) == history


def test_a_key_may_come_back() -> None:
    history = go_on(go_on(go_on([], OLD, day=1), NEW, OLD, day=2), OLD, NEW, day=3)
    assert [use.fingerprint for use in history] == [fingerprint_of(key) for key in (OLD, NEW, OLD)]
    assert [use.until for use in history] == [2 * DAY, 3 * DAY, None]


def test_a_history_is_read_as_it_was_stored_and_tells_no_key() -> None:
    history = go_on(go_on([], OLD, day=1), NEW, OLD, day=2)
    stored = encode_history(history)
    assert decode_history(stored) == history
    assert decode_history(None) == []
    assert OLD not in stored
    assert OLD.hex().encode() not in stored
