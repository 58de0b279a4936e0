"""What becomes of each part of a row that is merged into another."""

from copy import deepcopy

import msgspec
import pytest

from stream_app.core.merging import merge_rows
from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import step
from stream_app.definitions.file import parse_definitions
from stream_app.features import windows
from stream_app.features.funnel import Funnel, Stage
from stream_app.features.user_row import Moment, UserRow, decode_row, encode_row
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.topics import LINKS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import INTAKE, RECEIVED_AT, FixedModels, event, page, records, session, track

Parts = tuple[int, float, float, list[str]]
DECLARED = parse_definitions("""
[[features]]
name = "added"
about = "Items put into the cart"
events = { type = "track", name = "Product Added" }
aggregate = "count"
windows = ["7d", "lifetime", "session"]

[[audiences]]
name = "adders"
about = "Put something into the cart"
when = { event = { type = "track", name = "Product Added" } }
""")
RULES = Rules(definitions=DECLARED)
CAUSE = Cause(LINKS.name, 0, 7)
# What is a row's own: where it lies, what it was told, and what was decided for it.
KEPT = {
    "version", "applied", "heard", "tier", "next_tier", "tier_until", "scored_at", "recommended_at",
    "recommended_item", "erased_until", "merged_into", "merged_partition", "outgoing",
    "merged_outright",
}  # fmt: skip


def row_of(*values: bytes) -> UserRow:
    """The row of user `u` after some events."""
    rows: dict[str, UserRow] = {}
    batch = Batch("clickstream.events.v1", 0, records(values))
    result = step(Partition(0, RULES), batch, rows, INTAKE, FixedModels().models, RULES, RECEIVED_AT)
    row = result.rows["u"]
    assert row is not None
    return decode_row(encode_row(row))


@pytest.fixture(scope="module")
def rich_row() -> UserRow:
    context = {
        "device": {"type": "mobile"},
        "os": {"name": "iOS"},
        "browser": {"name": "Safari"},
        "location": {"country": "DE"},
        "timezone": "Europe/Berlin",
        "page": {"referrer": "https://www.google.com/search?q=shoes"},
        "consent": {"categoryPreferences": {"marketing": False}},
    }
    cart = {"product_id": "item-2", "category": "shoes"}
    row = row_of(
        event("identify", "u", 0, traits={"plan": "gold", "control_group": "b"}, anonymousId="a"),
        session("u", 1, 1, 2),
        page("u", 3_000, "item-1", context=context),
        session("u", 4_000, 900, 2),
        track("u", 9_000, "Product Added", cart, context=context),
        track(
            "u",
            9_060,
            "Order Completed",
            {"revenue": 20, "order_id": "o1", "products": [cart]},
            context=context,
        ),
        track("u", 9_100, "Product Added", {"product_id": "item-3"}),
        page("u", 9_200, "item-1", context=context),
    )
    windows.prune(row.tiles, row.last_at)
    row.is_bot, row.automated = True, deepcopy(row.activity)
    row.next_moment_at = 1.0
    row.moments = [Moment(row.last_at, b"")]
    return row


def test_an_empty_row_takes_all_of_another(rich_row: UserRow) -> None:
    merged = UserRow()
    merge_rows(merged, deepcopy(rich_row), CAUSE, RULES)
    defaults = UserRow()
    for name in UserRow.__struct_fields__:
        given, got = getattr(rich_row, name), getattr(merged, name)
        if name in KEPT:
            assert got == getattr(defaults, name), name
            continue
        assert given != getattr(defaults, name), f"the case says nothing of {name}"
        if name == "audiences":  # they are told anew, of the user that they are now of
            assert {fact.at: fact.matched for fact in got.watch.facts if fact.matched} == {
                fact.at: fact.matched for fact in given.watch.facts
            }
        elif name == "open_sessions":
            [theirs], [mine] = given, got
            assert mine == msgspec.structs.replace(theirs, topic=LINKS.name, last_offset=7)
        else:
            assert got == given, name


def test_a_row_that_takes_nothing_stays_as_it_is(rich_row: UserRow) -> None:
    merged = deepcopy(rich_row)
    merge_rows(merged, UserRow(), CAUSE, RULES)
    assert merged == rich_row


def test_days_of_both_count_once() -> None:
    mine = row_of(page("u", 0), page("u", 2 * DAY), page("u", 5 * DAY))
    theirs = row_of(page("u", 2 * DAY), page("u", 6 * DAY), page("u", 7 * DAY))
    for row, other in ((mine, theirs), (theirs, mine)):
        merged = deepcopy(row)
        merge_rows(merged, other, CAUSE, RULES)
        assert merged.active_days == 5
        assert merged.active_day_bits == 0b10100111


IN_CART, CHECKOUT, BOUGHT = int(Stage.CART), int(Stage.CHECKOUT), int(Stage.BOUGHT)


@pytest.mark.parametrize(
    ("mine", "theirs", "merged"),
    [
        ((IN_CART, 10, 0, ["a"]), (IN_CART, 20, 0, ["b"]), (IN_CART, 20, 0, ["a", "b"])),
        ((IN_CART, 10, 0, ["a"]), (BOUGHT, 20, 20, []), (BOUGHT, 20, 20, [])),
        ((IN_CART, 30, 0, ["a"]), (BOUGHT, 20, 20, []), (IN_CART, 30, 20, ["a"])),
        ((IN_CART, 10, 0, ["a"]), (CHECKOUT, 20, 5, ["a"]), (CHECKOUT, 20, 5, ["a"])),
    ],
)
def test_the_later_step_counts_and_what_was_ordered_leaves_the_cart(
    mine: Parts, theirs: Parts, merged: Parts
) -> None:
    for one, other in ((mine, theirs), (theirs, mine)):
        row = UserRow(funnel=Funnel(*deepcopy(one)))
        merge_rows(row, UserRow(funnel=Funnel(*deepcopy(other))), CAUSE, RULES)
        assert row.funnel == Funnel(*merged)


def test_open_sessions_that_lie_near_are_one() -> None:
    mine, theirs = row_of(page("u", 0, "a"), page("u", 3_000, "c")), row_of(page("u", 1_500, "b"))
    assert len(mine.open_sessions) == 2
    merge_rows(mine, theirs, CAUSE, RULES)
    [joined] = mine.open_sessions
    assert (joined.event_count, [item for _, item in joined.items]) == (3, ["a", "b", "c"])
    assert (joined.topic, joined.last_offset) == (LINKS.name, 7)


def test_what_the_user_said_of_consent_stays() -> None:
    row = UserRow(consent=1)
    merge_rows(row, UserRow(consent=7), CAUSE, RULES)
    assert row.consent == 1


def test_a_moment_of_both_rows_is_one_with_the_labels_of_both() -> None:
    row, other = UserRow(), UserRow()
    row.moments = [Moment(10.0, b"mine", has_bought=True), Moment(30.0, b"mine")]
    other.moments = [Moment(10.0, b"theirs", has_returned=True), Moment(20.0, b"theirs")]
    merge_rows(row, other, CAUSE, RULES)
    assert [(moment.at, moment.values) for moment in row.moments] == [
        (10.0, b"mine"),
        (20.0, b"theirs"),
        (30.0, b"mine"),
    ]
    assert (row.moments[0].has_returned, row.moments[0].has_bought) == (True, True)
