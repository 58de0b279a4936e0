from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.step import step
from stream_app.features import content
from stream_app.features.content import MAX_ITEM_STARTS
from stream_app.features.user_row import UserRow
from stream_app.schemas.outputs import ItemOutcome, ItemOutcomes
from stream_app.settings.rules import DAY, HOUR, Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, FixedModels, event, page, records, track

RULES = Rules()
LONG_AFTER = 60 * DAY
STARTED, COMPLETED = "Course Started", "Course Completed"


class Told(NamedTuple):
    """An outcome, its start in seconds after `START`."""

    item: str
    started_at: float
    is_completed: bool
    uses: int
    has_returned: bool


def told(outcome: ItemOutcome) -> Told:
    started_at = round(outcome.started_at.timestamp() - START, 3)
    return Told(outcome.item_id, started_at, outcome.is_completed, outcome.uses, outcome.has_returned)


class Processing:
    """One partition, fed event after event."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.partition = Partition(0, rules)
        self.rows: dict[str, UserRow] = {}
        self.offset = 0

    def process(self, *values: bytes) -> list[ItemOutcomes]:
        batch = Batch("events", 0, records(values, self.offset))
        self.offset += len(values)
        result = step(self.partition, batch, self.rows, INTAKE, FixedModels().models, self.rules, RECEIVED_AT)
        self.rows |= result.rows
        return [output for output in result.outputs if isinstance(output, ItemOutcomes)]


def outcomes_of(values: Sequence[bytes], rules: Rules = RULES) -> list[Told]:
    """What is told of all events in the end, by start."""
    made = Processing(rules).process(*values, page("somebody", LONG_AFTER))
    return sorted(told(outcome) for output in made for outcome in output.outcomes)


def start(at: float, item: str = "c1", user: str = "u") -> bytes:
    return track(user, at, STARTED, {"course_id": item})


def completion(at: float, item: str = "c1", user: str = "u") -> bytes:
    return track(user, at, COMPLETED, {"course_id": item})


def test_a_start_is_told_once_its_horizon_and_a_day_have_passed() -> None:
    running = Processing()
    due = RULES.content_horizon + DAY + RULES.allowed_lateness
    assert running.process(start(0), completion(600), page("v", due - 1)) == []
    [made] = running.process(page("v", due))
    assert (made.user_key, made.target, made.as_of.timestamp()) == (
        "u", "engagement_score", START + RULES.content_horizon
    )  # fmt: skip
    assert [told(outcome) for outcome in made.outcomes] == [Told("c1", 0, True, 1, False)]
    assert running.rows["u"].item_starts == []


def test_the_starts_of_a_day_are_told_together_and_later_ones_wait() -> None:
    running = Processing()
    running.process(start(0, "c1"), start(HOUR, "c2"), start(DAY + HOUR, "c3"))
    [made] = running.process(page("v", RULES.content_horizon + DAY + RULES.allowed_lateness))
    assert [outcome.item_id for outcome in made.outcomes] == ["c1", "c2"]
    assert [open_start.item for open_start in running.rows["u"].item_starts] == ["c3"]


@pytest.mark.parametrize(("after", "is_completed"), [(0, True), (7 * DAY, True), (7 * DAY + 1, False)])
def test_a_completion_counts_up_to_the_horizon(after: float, is_completed: bool) -> None:
    assert outcomes_of([start(0), completion(after)]) == [Told("c1", 0, is_completed, 1, False)]


def test_a_completion_before_the_start_or_of_another_item_does_not_count() -> None:
    values = [completion(0), start(60), completion(120, "c2")]
    assert outcomes_of(values) == [Told("c1", 60, False, 1, False)]


def test_an_order_completes_the_products_that_were_viewed() -> None:
    viewed = [track("u", at, "Product Viewed", {"product_id": f"p{at}"}) for at in (0, 60, 120)]
    products = [{"product_id": "p0"}, {"product_id": "p120"}, {"product_id": "never viewed"}, "no product"]
    order = track("u", 300, "Order Completed", {"products": products, "revenue": 9})
    assert [(made.item, made.is_completed) for made in outcomes_of([*viewed, order])] == [
        ("p0", True), ("p120", True), ("p60", False)
    ]  # fmt: skip


def test_arriving_out_of_order_makes_no_difference() -> None:
    values = [start(0), start(700), completion(1_200), start(DAY, "c2")]
    expected = [Told("c1", 0, True, 2, False), Told("c2", DAY, False, 1, False)]
    for arrival in permutations(values[:3]):
        assert outcomes_of([*arrival, values[3]]) == expected


def test_asked_too_early_a_row_tells_nothing() -> None:
    running = Processing()
    running.process(start(0), completion(60))
    row, due = running.rows["u"], START + RULES.content_horizon + DAY
    assert content.pop_due(row, due - 1, RULES) == []
    assert len(content.pop_due(row, due, RULES)) == 1


def test_bots_are_not_told_of_nor_those_who_do_not_agree() -> None:
    robot = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
    refused = {"consent": {"categoryPreferences": {"analytics": False}}}
    started = {"event": STARTED, "properties": {"course_id": "c1"}}
    assert outcomes_of([event("track", "u", 0, context=robot, **started)]) == []
    assert outcomes_of([start(0), event("track", "u", 60, context=refused, **started)]) == []


def test_more_starts_than_a_row_holds_leave_a_sample_that_does_not_go_by_order() -> None:
    users = [f"u{number}" for number in range(60)]
    values = [
        track(user, 100 * place + number / 100, STARTED, {"course_id": f"c{place}"})
        for place in range(3 * MAX_ITEM_STARTS)
        for number, user in enumerate(users)
    ]
    running = Processing()
    running.process(*values)
    kept = [[open_start.item for open_start in running.rows[user].item_starts] for user in users]
    assert {len(items) for items in kept} == {MAX_ITEM_STARTS}
    early = sum(int(item[1:]) < MAX_ITEM_STARTS for items in kept for item in items)
    assert 0.25 < early / (len(users) * MAX_ITEM_STARTS) < 0.42  # a third, give or take


def test_what_two_ids_of_a_user_started_is_joined() -> None:
    running = Processing()
    running.process(start(0, "c1", "a"), start(10, "c2", "a"), start(DAY, "c1"), completion(DAY + 60))
    row, other = running.rows["u"], running.rows["a"]
    content.merge(row, other, RULES)
    found = content.pop_due(row, START + LONG_AFTER, RULES)
    assert [outcome._replace(started_at=outcome.started_at - START) for outcome in found] == [
        content.StartOutcome("c1", 0, True, 2, True),
        content.StartOutcome("c2", 10, False, 1, False),
    ]


def test_what_was_started_under_one_id_is_completed_under_the_other() -> None:
    for first, second in (("u", "a"), ("a", "u")):
        running = Processing()
        running.process(start(0, "c1", first), completion(DAY, "c1", second))
        content.merge(running.rows["u"], running.rows["a"], RULES)
        [found] = content.pop_due(running.rows["u"], START + LONG_AFTER, RULES)
        assert (found.item, found.started_at, found.is_completed) == ("c1", START, True)


def test_a_start_joined_with_an_earlier_one_has_its_horizon() -> None:
    running = Processing()
    running.process(start(0, "c1", "a"), start(DAY), completion(RULES.content_horizon + DAY / 2))
    content.merge(running.rows["u"], running.rows["a"], RULES)
    [found] = content.pop_due(running.rows["u"], START + LONG_AFTER, RULES)
    assert (found.started_at, found.is_completed) == (START, False)


def test_pages_are_items_where_the_settings_say_so() -> None:
    assert outcomes_of([page("u", 0, "article")]) == []
    rules = Rules(content_starts=frozenset({"page"}))
    context = {"page": {"path": "/news/one"}}
    values = [
        page("u", 0, context=context), page("u", 9, "left at once"), page("u", 40, "last of its visit"),
        page("u", 3 * HOUR, "another day"),
    ]  # fmt: skip
    assert [(made.item, made.is_completed) for made in outcomes_of(values, rules)] == [
        ("/news/one", True), ("another day", False), ("last of its visit", False), ("left at once", True)
    ]  # fmt: skip
    assert outcomes_of([page("u", 0, "a"), page("u", 9, "b")], rules)[0] == Told("a", 0, False, 1, False)


class Deed(NamedTuple):
    at: int
    is_start: bool
    item: str


hours = st.integers(0, 30 * 24).map(lambda hour: hour * 3_600)
deeds = st.lists(st.builds(Deed, hours, st.booleans(), st.sampled_from("abcd")), max_size=30).map(
    lambda made: sorted(set(made))
)


@settings(max_examples=60, deadline=None)
@given(deeds)
def test_outcomes_are_those_that_the_whole_history_tells(history: list[Deed]) -> None:
    values = [(start if deed.is_start else completion)(deed.at, deed.item) for deed in history]
    assert outcomes_of(values) == sorted(_brute_force(history))


def _brute_force(history: list[Deed]) -> list[Told]:
    found: list[Told] = []
    for item in sorted({deed.item for deed in history}):
        starts = sorted(deed.at for deed in history if deed.item == item and deed.is_start)
        ends = [deed.at for deed in history if deed.item == item and not deed.is_start]
        while starts:
            first, until = starts[0], starts[0] + RULES.content_horizon
            within = [at for at in starts if at <= until]
            starts = [at for at in starts if at > until]
            days = {(at + START) // DAY for at in within}
            is_completed = any(first <= at <= until for at in ends)
            found.append(Told(item, first, is_completed, len(within), len(days) > 1))
    return found
