"""What an erasure removes from a partition, and what it keeps out from then on."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from stream_app.core.erasures import Erasure, Erasures, decode_erasure, encode_erasure
from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.row_times import pack_times, unpack_times
from stream_app.core.step import StepResult, step
from stream_app.features.user_row import UserRow
from stream_app.intake.ports import Intake
from stream_app.intake.privacy import Privacy
from stream_app.schemas.outputs import FailureReason, Output, PrivacyReceipt, StoreErasure, UserErased
from stream_app.schemas.topics import EVENTS, PRIVACY_REQUESTS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, FixedModels, label, page, track

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


class Held:
    """One partition with all that it keeps."""

    def __init__(self, rules: Rules = RULES, intake: Intake = INTAKE) -> None:
        self.rules, self.intake = rules, intake
        self.partition = Partition(0, rules)
        self.rows: dict[str, UserRow] = {}
        self.outputs: list[Output] = []

    def take(self, *values: bytes | None, topic: str = EVENTS.name) -> StepResult:
        first = self.partition.meta.applied.get(topic, -1) + 1
        records = [Record(offset, None, value, RECEIVED_AT) for offset, value in enumerate(values, first)]
        return self._step(Batch(topic, 0, records))

    def erase(self, *values: bytes | None) -> StepResult:
        return self.take(*values, topic=PRIVACY_REQUESTS.name)

    def restart(self, erasures: dict[str, Erasure]) -> None:
        """Lose what is in memory, and read it back as it was stored."""
        meta = self.partition.encode_meta()
        self.partition = Partition(0, self.rules, meta)
        self.partition.hold(list(self.rows), unpack_times(map(pack_times, self.rows.values())))
        for marker, erasure in erasures.items():
            self.partition.erasures.add(marker, decode_erasure(encode_erasure(erasure)))

    def _step(self, batch: Batch) -> StepResult:
        models = FixedModels().models
        result = step(self.partition, batch, self.rows, self.intake, models, self.rules, RECEIVED_AT)
        for user_key, row in result.rows.items():
            if row is None:
                self.rows.pop(user_key, None)
            else:
                self.rows[user_key] = row
        self.outputs += result.outputs
        return result


def outcomes(result: StepResult) -> dict[str, int]:
    totals: dict[str, int] = {}
    for (_, outcome), count in result.events.items():
        totals[outcome] = totals.get(outcome, 0) + count
    return totals


def test_a_request_removes_the_row_and_tells_what_was_in_it() -> None:
    held = Held()
    held.take(page("u", 0, "a"), page("u", 60, "b", messageId="m"), page("v", 61))
    result = held.erase(request("u", 100))
    assert result.rows == {"u": None}
    assert set(held.rows) == {"v"}
    assert held.partition.users == 1
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
    held = Held()
    events = [page("u", at, "a", messageId=f"m{at}") for at in range(0, 300, 60)]
    held.take(*events)
    erasures = held.erase(request("u", 1_000)).erasures
    again = held.take(*events, label("u", 30, 2), label("u", 31, 2, features={"x": 1.0}))
    assert outcomes(again) == {"erased": 7}
    assert (again.rows, again.outputs) == ({}, [])
    held.restart({marker: erasure for marker, erasure in erasures.items() if erasure})
    assert outcomes(held.take(*events)) == {"erased": 5}


def test_what_comes_after_begins_anew_and_still_takes_nothing_old() -> None:
    held = Held()
    held.take(page("u", 0), page("u", 10))
    held.erase(request("u", 100))
    result = held.take(page("u", 101), page("u", 100), page("u", 102))
    assert outcomes(result) == {"processed": 2, "erased": 1}
    assert result.new_users == 1
    assert held.rows["u"].kinds["page"].count == 2
    assert held.rows["u"].first_at == START + 101


def test_an_event_newer_than_the_request_but_removed_by_it_stays_away() -> None:
    held = Held()
    newest = page("u", 500)
    held.take(newest)
    held.erase(request("u", 100))
    assert outcomes(held.take(newest, page("u", 501))) == {"erased": 1, "processed": 1}


def test_late_and_unreadable_events_of_an_erased_user_are_not_kept_either() -> None:
    held = Held()
    held.take(page("u", 0))
    held.erase(request("u", 100))
    held.take(page("v", 10 * DAY))
    broken = b'{"type": "page", "userId": "u", "timestamp": "none"}'
    result = held.take(page("u", 1), broken, b'{"type": "page", "userId": "w"}')
    assert outcomes(result) == {"erased": 2, "failed": 1}
    assert [output.schema_name for output in result.outputs] == ["failed_event"]


def test_a_user_without_a_row_is_erased_too() -> None:
    held = Held()
    result = held.erase(request("u", 100))
    assert [output.schema_name for output in result.outputs] == ["user_erased", "privacy_receipt"]
    assert outcomes(held.take(page("u", 99))) == {"erased": 1}


def test_the_repeat_of_a_request_that_a_crash_cut_short_gives_the_same_receipt() -> None:
    held = Held()
    held.take(page("u", 0))
    before = held.partition.encode_meta()
    first = held.erase(request("u", 100))
    # The erasure and the row's deletion were written, the meta was not.
    held.restart({marker: erasure for marker, erasure in first.erasures.items() if erasure})
    held.partition.meta = Partition(0, RULES, before).meta
    second = held.erase(request("u", 100))
    assert second.outputs == first.outputs
    assert second.erasures == first.erasures


def test_pseudonymous_users_are_erased_under_every_key_still_known() -> None:
    held = Held(intake=HASHED_BEFORE)
    held.take(page("somebody", 0))
    [old_key] = held.rows
    held.intake = HASHING
    held.take(page("somebody", 1))
    assert len(held.rows) == 2
    result = held.erase(request("somebody", 100))
    assert held.rows == {}
    assert old_key in result.rows
    assert not any("somebody" in output.model_dump_json() for output in result.outputs)
    assert outcomes(held.take(page("somebody", 1))) == {"erased": 1}
    held.intake = HASHED_BEFORE
    assert outcomes(held.take(page("somebody", 1))) == {"erased": 1}


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
    held = Held()
    held.take(page("u", 0))
    result = held.erase(value)
    assert result.failures == {reason: 1}
    assert set(held.rows) == {"u"}
    assert held.partition.meta.applied[PRIVACY_REQUESTS.name] == 0


def test_erasures_expire_with_the_rows_that_they_guard_against() -> None:
    held = Held(Rules(row_validity=2 * DAY))
    held.erase(request("u", 0))
    assert len(held.partition.erasures) == 1
    held.take(page("v", 0))
    result = held.take(page("v", 5 * DAY))
    assert list(result.erasures.values()) == [None]
    assert len(held.partition.erasures) == 0


def test_a_user_who_returns_is_counted_once_and_can_be_evicted() -> None:
    held = Held(Rules(max_users=2))
    held.take(page("u", 0), page("v", 1))
    held.erase(request("u", 100))
    held.take(page("u", 200), page("w", 3 * DAY))
    assert held.partition.users == 2
    assert set(held.rows) == {"v", "w"}


def test_sessions_of_an_erased_user_are_not_closed_any_more() -> None:
    held = Held()
    held.take(page("u", 0, "a"))
    held.erase(request("u", 100))
    result = held.take(track("v", 3 * DAY, "Seen"))
    assert [output for output in result.outputs if output.user_key == "u"] == []


def test_a_marker_is_replaced_by_a_later_one() -> None:
    erasures = Erasures()
    erasures.add("m", Erasure(10.0, "a/0", {}))
    erasures.add("m", Erasure(20.0, "a/1", {}))
    assert erasures.get("m") == Erasure(20.0, "a/1", {})
    assert erasures.take_expired(15.0) == []
    assert erasures.take_expired(25.0) == ["m"]
