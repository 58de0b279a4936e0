"""What an erasure removes from a partition, and what it keeps out from then on."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stream_app.core.erasures import Erasure, Erasures
from stream_app.core.partition import Partition
from stream_app.core.step import StepResult
from stream_app.intake.ports import Intake
from stream_app.intake.privacy import Privacy
from stream_app.schemas.outputs import FailureReason, PrivacyReceipt, StoreErasure, UserErased
from stream_app.schemas.topics import PRIVACY_REQUESTS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import INTAKE, START, Driver, label, page, track

RULES = Rules()
KEYS = [("k2", b"a second secret of length"), ("k1", b"the first secret of length")]
HASHING = Intake(INTAKE.cleaner, Privacy(KEYS, ("userId", "anonymousId")))
HASHED_BEFORE = Intake(INTAKE.cleaner, Privacy(KEYS[1:], ("userId", "anonymousId")))


def request(user: str, at: float, **fields: Any) -> bytes:
    """A request to erase a user, made `at` seconds after the start."""
    requested_at = datetime.fromtimestamp(START + at, UTC).isoformat()
    return msgspec.json.encode(
        {"request_id": "r", "kind": "erase", "user_id": user, "requested_at": requested_at, **fields}
    )


def outcomes(result: StepResult) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (_, outcome), count in result.events.items():
        totals[outcome] = totals.get(outcome, 0) + count
    return totals


def test_a_request_removes_the_row_and_tells_what_was_in_it() -> None:
    driver = Driver()
    driver.pipe(page("u", 0, "a"), page("u", 60, "b", messageId="m"), page("v", 61))
    result = driver.request(request("u", 100))
    assert result.rows == {"u": None}
    assert set(driver.rows) == {"v"}
    assert driver.partitions[0].users == 1
    erased, receipt = result.outputs
    assert isinstance(erased, UserErased)
    assert erased.user_key == "u"
    assert isinstance(receipt, PrivacyReceipt)
    assert (receipt.user_key, receipt.request_id, receipt.kind) == (None, "r", "erase")
    assert receipt.as_of == datetime.fromtimestamp(START + 100, UTC)
    [store] = receipt.stores
    assert isinstance(store, StoreErasure)
    assert (store.removed["rows"], store.removed["open_sessions"], store.removed["items"]) == (1, 1, 2)
    assert store.removed["message_fingerprints"] == 2
    assert "u" not in receipt.subject
    assert result.removed == {"erased": 1}


def test_what_was_before_the_erasure_never_comes_back() -> None:
    driver = Driver()
    events = [page("u", at, "a", messageId=f"m{at}") for at in range(0, 300, 60)]
    driver.pipe(*events)
    erasures = driver.request(request("u", 1_000)).erasures
    again = driver.pipe(*events, label("u", 30, 2), label("u", 31, 2, features={"x": 1.0}))
    assert outcomes(again) == {"erased": 7}
    assert (again.rows, again.outputs) == ({}, [])
    assert erasures
    driver.restart()
    assert outcomes(driver.pipe(*events)) == {"erased": 5}


def test_what_comes_after_begins_anew_and_still_takes_nothing_old() -> None:
    driver = Driver()
    driver.pipe(page("u", 0), page("u", 10))
    driver.request(request("u", 100))
    result = driver.pipe(page("u", 101), page("u", 100), page("u", 102))
    assert outcomes(result) == {"processed": 2, "erased": 1}
    assert result.new_users == 1
    assert driver.rows["u"].kinds["page"].count == 2
    assert driver.rows["u"].first_at == START + 101


def test_an_event_newer_than_the_request_but_removed_by_it_stays_away() -> None:
    driver = Driver()
    newest = page("u", 500)
    driver.pipe(newest)
    driver.request(request("u", 100))
    assert outcomes(driver.pipe(newest, page("u", 501))) == {"erased": 1, "processed": 1}


def test_late_and_unreadable_events_of_an_erased_user_are_not_kept_either() -> None:
    driver = Driver()
    driver.pipe(page("u", 0))
    driver.request(request("u", 100))
    driver.pipe(page("v", 10 * DAY))
    broken = b'{"type": "page", "userId": "u", "timestamp": "none"}'
    result = driver.pipe(page("u", 1), broken, b'{"type": "page", "userId": "w"}')
    assert outcomes(result) == {"erased": 2, "failed": 1}
    assert [output.schema_name for output in result.outputs] == ["failed_event"]


def test_a_user_without_a_row_is_erased_too() -> None:
    driver = Driver()
    result = driver.request(request("u", 100))
    assert [output.schema_name for output in result.outputs] == ["user_erased", "privacy_receipt"]
    assert outcomes(driver.pipe(page("u", 99))) == {"erased": 1}


def test_the_repeat_of_a_request_that_a_crash_cut_short_gives_the_same_receipt() -> None:
    driver = Driver()
    driver.pipe(page("u", 0))
    before = driver.partitions[0].encode_meta()
    first = driver.request(request("u", 100))
    # The erasure and the row's deletion were written, the meta was not.
    driver.restart()
    driver.partitions[0].meta = Partition(0, RULES, before).meta
    second = driver.request(request("u", 100))
    assert second.outputs == first.outputs
    assert second.erasures == first.erasures


def test_pseudonymous_users_are_erased_under_every_key_still_known() -> None:
    driver = Driver(intake=HASHED_BEFORE)
    driver.pipe(page("somebody", 0))
    [old_key] = driver.rows
    driver.intake = HASHING
    driver.pipe(page("somebody", 1))
    assert len(driver.rows) == 2
    result = driver.request(request("somebody", 100))
    assert driver.rows == {}
    assert old_key in result.rows
    assert not any("somebody" in output.model_dump_json() for output in result.outputs)
    assert outcomes(driver.pipe(page("somebody", 1))) == {"erased": 1}
    driver.intake = HASHED_BEFORE
    assert outcomes(driver.pipe(page("somebody", 1))) == {"erased": 1}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, FailureReason.NULL_VALUE),
        (b"{", FailureReason.BAD_JSON),
        (b"[]", FailureReason.NOT_AN_OBJECT),
        (request("", 0), FailureReason.CONTRACT),
        (request("u", 0, kind="forget"), FailureReason.CONTRACT),
        (request("u", 0, requested_at="2024-03-04"), FailureReason.CONTRACT),
        (request("u", 4_000 * DAY), FailureReason.TIME_OUT_OF_RANGE),
    ],
)
def test_a_bad_request_fails_with_its_reason(value: bytes | None, reason: FailureReason) -> None:
    driver = Driver()
    driver.pipe(page("u", 0))
    result = driver.request(value)
    assert result.failures == {reason: 1}
    assert set(driver.rows) == {"u"}
    assert driver.partitions[0].meta.applied[PRIVACY_REQUESTS.name] == 0


def test_erasures_expire_with_the_rows_that_they_guard_against() -> None:
    driver = Driver(Rules(row_validity=2 * DAY))
    driver.request(request("u", 0))
    assert len(driver.partitions[0].erasures) == 1
    driver.pipe(page("v", 0))
    result = driver.pipe(page("v", 5 * DAY))
    assert list(result.erasures.values()) == [None]
    assert len(driver.partitions[0].erasures) == 0


def test_a_user_who_returns_is_counted_once_and_can_be_evicted() -> None:
    driver = Driver(Rules(max_users=2))
    driver.pipe(page("u", 0), page("v", 1))
    driver.request(request("u", 100))
    driver.pipe(page("u", 200), page("w", 3 * DAY))
    assert driver.partitions[0].users == 2
    assert set(driver.rows) == {"v", "w"}


def test_sessions_of_an_erased_user_are_not_closed_any_more() -> None:
    driver = Driver()
    driver.pipe(page("u", 0, "a"))
    driver.request(request("u", 100))
    result = driver.pipe(track("v", 3 * DAY, "Seen"))
    assert [output for output in result.outputs if output.user_key == "u"] == []


def test_a_marker_is_replaced_by_a_later_one() -> None:
    erasures = Erasures()
    erasures.add("m", Erasure(10.0, "a/0", {}))
    erasures.add("m", Erasure(20.0, "a/1", {}))
    assert erasures.get("m") == Erasure(20.0, "a/1", {})
    assert erasures.pop_expired(15.0) == []
    assert erasures.pop_expired(25.0) == ["m"]
