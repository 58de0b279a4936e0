import pytest

from stream_app.core.identity import answer
from stream_app.core.identity_messages import Forwarded, History, Link, Received, encode_message
from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import step
from stream_app.features.user_row import UserRow, encode_row
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.topics import EVENTS, LINKS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, FixedModels, page, records

CAUSE = Cause(LINKS.name, 1, 7)
LINK = Link(key="anonymous", sender="user", topic=EVENTS.name, offset=3, to_partition=0, at=START)
HISTORY = History(
    key="user",
    sender="anonymous",
    topic=LINKS.name,
    offset=7,
    sender_partition=1,
    from_key="anonymous",
    from_partition=1,
    at=START,
    row=encode_row(UserRow(seen_at=START)),
)
RECEIVED = Received(key="anonymous", sender="user", topic=LINKS.name, offset=8)


def test_a_row_that_is_linked_is_given_away_after_it_is_stored() -> None:
    given = answer(LINK, UserRow(seen_at=START + 5), CAUSE, 0.0, Rules())
    assert given is not None
    assert (given.row.merged_into, given.row.merged_partition, given.row.seen_at) == ("user", 0, START + 5)
    assert list(given.sent) == []
    [(partition, history)] = given.sent_after_rows
    assert partition == 0
    assert given.row.outgoing == encode_message(history)


def test_a_history_is_answered_before_its_row_is_stored() -> None:
    taken = answer(HISTORY, None, CAUSE, 0.0, Rules())
    assert taken is not None
    [(partition, received)] = taken.sent
    assert (partition, received) == (1, Received(key="anonymous", sender="user", topic=CAUSE.topic, offset=7))
    assert list(taken.sent_after_rows) == []


def test_what_was_given_is_kept_until_it_has_arrived() -> None:
    row = UserRow(merged_into="user", outgoing=b"history")
    arrived = answer(RECEIVED, row, CAUSE, 0.0, Rules())
    assert arrived is not None
    assert arrived.row.outgoing == b""
    assert answer(RECEIVED, None, CAUSE, 0.0, Rules()) is None


@pytest.mark.parametrize("message", [LINK, HISTORY])
def test_nothing_is_joined_that_was_taken_before_or_erased_since(message: Link | History) -> None:
    known = UserRow(heard={message.source: message.offset})
    assert answer(message, known, CAUSE, 0.0, Rules()) is None
    assert answer(message, UserRow(), CAUSE, START, Rules()) is None


@pytest.mark.parametrize("user", ["anna", "zoe"])
def test_a_full_partition_counts_as_many_users_as_it_has_rows_whoever_is_linked(user: str) -> None:
    """The row that a link begins may itself be the one that has been idle for longest."""
    rules, models = Rules(max_users=1), FixedModels().models
    partition, rows = Partition(0, rules), dict[str, UserRow | None]()
    link = Link(key=user, sender="user", topic=EVENTS.name, offset=3, to_partition=0, at=START)
    for topic, value in ((EVENTS.name, page("mia", 60)), (LINKS.name, encode_message(link))):
        batch = Batch(topic, 0, records([value]))
        rows |= step(partition, batch, rows, INTAKE, models, rules, RECEIVED_AT).rows
    assert partition.users == len([row for row in rows.values() if row is not None]) == 1


def test_a_forwarded_event_that_cannot_be_read_fails_as_an_event() -> None:
    message = Forwarded(key="u", sender="a", topic="t", offset=1, value=b"{bad", received_at=RECEIVED_AT)
    batch = Batch(LINKS.name, 0, records([encode_message(message)]))
    result = step(Partition(0, Rules()), batch, {}, INTAKE, FixedModels().models, Rules(), RECEIVED_AT)
    assert result.failures == {"bad_json": 1}
