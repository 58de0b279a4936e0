from datetime import UTC, datetime

import pytest

from stream_app.errors import SettingsError
from stream_app.runtimes.kafka.models.unlearning import PendingUnlearning, unlearnings
from stream_app.schemas.outputs import PrivacyReceipt, SourcePosition, Unlearning, UserErased
from stream_app.settings.environment import Settings
from stream_app.settings.loading import load_settings

AT = datetime(2026, 3, 9, tzinfo=UTC)


def erased(user: str, offset: int) -> UserErased:
    source = SourcePosition(topic="privacy.requests.v1", partition=2, offset=offset)
    return UserErased(id=f"{user}{offset}", user_key=user, as_of=AT, emitted_at=AT, source=source)


def receipt(offset: int) -> PrivacyReceipt:
    source = SourcePosition(topic="privacy.requests.v1", partition=2, offset=offset)
    return PrivacyReceipt(
        id=f"r{offset}", user_key=None, as_of=AT, emitted_at=AT, source=source,
        request_id=f"request-{offset}", kind="erase", subject="hash", stores=[],
    )  # fmt: skip


def told() -> list[Unlearning]:
    return list(unlearnings([erased("ann", 4), erased("pseudonym of ann", 4), receipt(4), erased("bert", 5)]))


def test_the_trainer_is_told_of_every_key_and_of_the_request_that_asked():
    found = told()
    assert [one.user_key for one in found] == ["ann", "pseudonym of ann", "bert"]
    assert [one.request_id for one in found] == ["request-4", "request-4", None]
    assert len({one.id for one in found}) == 3


def test_a_receipt_comes_once_no_model_has_traces_and_tells_from_which_snapshot_on():
    pending = PendingUnlearning()
    ann, other, bert = told()
    pending.add(ann, {"tiers": 1, "returns": 2}, ["tiers", "returns"], at=10.0)
    pending.add(other, {"tiers": 0, "returns": 1}, ["tiers", "returns"], at=10.0)
    assert pending.due(before=9.0) is None
    assert pending.due(before=10.0) == "returns"
    pending.mark_relearned("returns")
    assert not pending.is_done
    assert pending.pop_receipts(7, AT) == []
    pending.add(bert, {"tiers": 0, "returns": 5}, ["tiers", "returns"], at=200.0)
    pending.mark_relearned("tiers")
    assert pending.is_done
    [(partition, found)] = pending.pop_receipts(training_offset=91, now=AT)
    assert partition == 2
    assert (found.request_id, found.subject, found.source.offset) == ("request-4", "hash", 4)
    assert [(m.model, m.examples, m.training_offset) for m in found.models] == [
        ("tiers", 1, 91),
        ("returns", 3, 91),
    ]
    assert found.stores[0].removed == {"examples": 4}
    assert pending
    assert pending.due(before=199.0) is None
    assert pending.due(before=200.0) == "returns"  # it was erased after that model had learned anew
    pending.mark_relearned("returns")
    assert pending.pop_receipts(99, AT) == []  # no request asked for this one here
    assert not pending


def test_every_receipt_comes_within_the_hour_however_many_users_are_erased():
    """Somebody is erased every ten seconds, and a model takes a minute to learn anew."""
    models = [f"model {number}" for number in range(8)]
    pending, now, erased_at, waited = PendingUnlearning(), 0.0, {}, []
    left = [
        told for number in range(360) for told in unlearnings([erased(f"u{number}", number), receipt(number)])
    ]
    while left or pending:
        while left and now >= 10.0 * left[0].source.offset:
            told_now = left.pop(0)
            erased_at[told_now.request_id] = now
            pending.add(told_now, dict.fromkeys(models, 1), models, now)
        if (stale := pending.due(now - Settings().unlearn_after)) is not None:
            pending.mark_relearned(stale)
            now += 60.0
        else:
            now += 1.0
        waited += [now - erased_at[answer.request_id] for _, answer in pending.pop_receipts(0, AT)]
    assert len(waited) == 360
    assert max(waited) < 3_600


def test_no_setting_may_break_the_promise_of_an_hour():
    with pytest.raises(SettingsError, match="unlearn_after"):
        load_settings(["unlearn_after=3600"])
