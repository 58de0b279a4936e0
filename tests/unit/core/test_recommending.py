from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch, Record
from stream_app.core.step import step
from stream_app.features.sessions import MAX_DESCRIBED_ITEMS
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.learning.ports import Models, Occasion
from stream_app.schemas.outputs import ClosedSession, Output, RecommendationClick, Recommendations
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import Rules
from stream_app.testing import INTAKE, RECEIVED_AT, START, FixedRecommender, FixedTierModel, event, page

RULES = Rules(recommend_interval=30.0, recommend_validity=600.0)
NO_PERSONALISATION = {"consent": {"categoryPreferences": {"analytics": True, "personalisation": False}}}


class Shown(NamedTuple):
    item_id: str
    score: float = 0.5
    source: str = "shelf"
    propensity: float = 1.0
    is_explored: bool = False


SHELF = (Shown("tea"), Shown("pot", source="rules"), Shown("cup", propensity=0.25, is_explored=True))


@dataclass(frozen=True)
class Shelf(FixedRecommender):
    """Recommends the same three items and notes what it was asked."""

    asked: list[Occasion] = field(default_factory=list)

    def recommend(self, occasion: Occasion, count: int) -> list[Shown]:  # type: ignore[override]
        self.asked.append(occasion._replace(bought=tuple(occasion.bought)))
        return list(SHELF)[:count]


def run(
    values: list[bytes], shelf: Shelf | None = None, batch: int = 100, rules: Rules = RULES
) -> list[Output]:
    partition, rows = Partition(0, rules), {}
    models = Models(FixedTierModel(), shelf or Shelf())
    records = [Record(offset, None, value, RECEIVED_AT) for offset, value in enumerate(values)]
    outputs: list[Output] = []
    for start in range(0, len(records), batch):
        taken = Batch(EVENTS.name, 0, records[start : start + batch])
        result = step(partition, taken, rows, INTAKE, models, RULES, now=0.0)
        for user, row in result.rows.items():
            if row is None:
                rows.pop(user, None)
            else:
                rows[user] = decode_row(encode_row(row))
        outputs += result.outputs
    return outputs


def clicks(outputs: list[Output]) -> list[RecommendationClick]:
    return [output for output in outputs if isinstance(output, RecommendationClick)]


def test_a_look_at_what_was_recommended_is_told_with_its_list_and_place() -> None:
    outputs = run([page("u", 0, "hat"), page("u", 20, "cup"), page("u", 25, "sock")])
    [sent] = [output for output in outputs if isinstance(output, Recommendations)]
    [click] = clicks(outputs)
    assert (click.request_id, click.item_id, click.rank) == (sent.request_id, "cup", 3)
    assert (click.item_source, click.propensity, click.is_explored) == ("shelf", 0.25, True)
    assert (click.delay, click.user_key, click.source.offset) == (20.0, "u", 1)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_each_place_is_clicked_once_and_the_newest_list_goes_first(batch: int) -> None:
    times = [0, 15, 40, 55, 70, 75]
    values = [
        page("u", at, item) for at, item in zip(times, ["a", "tea", "b", "tea", "c", "tea"], strict=True)
    ]
    values.append(values[1])  # a repeat of the message is no second click
    outputs = run(values, batch=batch)
    lists = [output.request_id for output in outputs if isinstance(output, Recommendations)]
    assert len(lists) == 3
    found = [(click.request_id, click.delay) for click in clicks(outputs)]
    assert found == [(lists[0], 15.0), (lists[1], 15.0), (lists[2], 5.0)]


def test_the_click_and_the_page_that_it_opens_are_one_look() -> None:
    clicked = event("track", "u", 40, event="Product Clicked", properties={"product_id": "tea"})
    outputs = run([page("u", 0, "a"), clicked, page("u", 41, "tea"), page("u", 60, "tea")])
    assert [(click.delay, click.source.offset) for click in clicks(outputs)] == [(40.0, 1), (20.0, 3)]


def test_an_expired_list_and_one_that_is_not_of_the_last_two_are_not_clicked() -> None:
    assert clicks(run([page("u", 0, "a"), page("u", 600, "tea")])) == []
    assert len(clicks(run([page("u", 0, "a"), page("u", 599, "tea")]))) == 1
    assert clicks(run([page("u", 0, "a"), page("v", 20, "tea")])) == []


def test_a_recommender_is_told_of_the_user_only_what_they_agreed_to() -> None:
    shelf = Shelf()
    at_home = {"location": {"country": "DE"}, "device": {"type": "mobile"}}
    bought = event(
        "track",
        "u",
        5,
        event="Order Completed",
        properties={"products": [{"product_id": "ink"}]},
        context=at_home,
    )
    run(
        [page("u", 0, "hat", context=at_home), bought, page("u", 9_000, "cap"), page("u", 9_060, "coat")],
        shelf,
    )
    last = shelf.asked[-1]
    assert (last.session_items, last.at, last.user) == (["cap", "coat"], START + 9_060, "u")
    assert (last.user_history, last.bought, last.country) == (["hat"], ("ink",), "DE")
    assert len({occasion.seed for occasion in shelf.asked}) == len(shelf.asked)

    silent = Shelf()
    values = [page("u", 0, "hat"), page("u", 60, "cap", context=NO_PERSONALISATION)]
    outputs = run([*values, page("x", 10_000, "z")], silent)
    assert silent.asked[1] == Occasion(["cap"], START + 60, silent.asked[1].seed)
    [closed] = [output for output in outputs if isinstance(output, ClosedSession)]
    assert not closed.may_personalise


def test_a_closed_session_tells_where_its_user_is_and_what_events_told_of_items() -> None:
    def view(at: float, item: str, **facts: str) -> bytes:
        return event("track", "u", at, event="Product Viewed", properties={"product_id": item, **facts})

    told = [
        view(0, "tea", category="drinks"),
        view(20, "pot"),
        view(40, "tea", brand="Arbel", category="x" * 65),
    ]
    told += [view(60 + number, f"item-{number}", brand="Boreal") for number in range(MAX_DESCRIBED_ITEMS - 1)]
    [closed] = [
        output for output in run([*told, page("x", 10_000, "z")]) if isinstance(output, ClosedSession)
    ]
    assert closed.may_personalise
    assert next(iter(closed.item_facts)) == "tea"
    assert (closed.item_facts["tea"].category, closed.item_facts["tea"].brand) == ("drinks", "Arbel")
    assert len(closed.item_facts) == MAX_DESCRIBED_ITEMS
    told.append(view(90, "one-more", brand="Boreal"))
    [closed] = [
        output for output in run([*told, page("x", 10_000, "z")]) if isinstance(output, ClosedSession)
    ]
    assert "tea" not in closed.item_facts
    assert len(closed.item_facts) == MAX_DESCRIBED_ITEMS


def test_what_a_row_keeps_of_lists_is_small() -> None:
    long_list = [Shown(f"sku-{number:06}", source=f"source_{number % 4}") for number in range(100)]

    class Long(Shelf):
        def recommend(self, occasion: Occasion, count: int) -> list[Shown]:  # type: ignore[override]  # noqa: ARG002
            return long_list

    rows: dict[str, UserRow] = {}
    rules = replace(RULES, recommend_count=100)
    values = [page("u", number * 40.0, f"item-{number}") for number in range(9)]
    records = [Record(offset, None, value, RECEIVED_AT) for offset, value in enumerate(values)]
    models = Models(FixedTierModel(), Long())
    result = step(Partition(0, rules), Batch(EVENTS.name, 0, records), rows, INTAKE, models, rules, now=0.0)
    row = result.rows["u"]
    assert row is not None
    assert len(row.sent_lists) == 2
    assert len(msgspec.msgpack.encode(row.sent_lists)) < 600
