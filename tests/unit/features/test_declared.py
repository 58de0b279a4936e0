"""Features of a company's own, each by one entry, from the event to whatever reads a row."""

from typing import Any

import pytest

from stream_app.core.user_data import describe_row
from stream_app.definitions.file import Definitions, parse_definitions
from stream_app.features.reading import read_features, reading_of
from stream_app.features.user_row import UserRow, decode_row, encode_row
from stream_app.schemas.outputs import TrainingExample
from stream_app.settings.rules import DAY, HOUR, Rules
from stream_app.testing import Driver, event, label, page, session, track

DOZEN = {
    'aggregate = "count"\nevents = { type = "track", name = "Order Completed" }': {"own": 2},
    'aggregate = "sum"\nvalue = "total"\nevents = { type = "track", name = "Order Completed" }': {
        "own": 62.5
    },
    'aggregate = "mean"\nvalue = "products.price"\nevents = { type = "track" }': {"own": 15.625},
    'aggregate = "least"\nvalue = "products.price"\nevents = { type = "track" }': {"own": 2.5},
    'aggregate = "greatest"\nvalue = "total"\nevents = { type = "track" }\nwindows = ["1h"]': {
        "own_1h": 12.5
    },
    'aggregate = "first"\nvalue = "plan"\nevents = { type = "identify" }': {"own": "free"},
    'aggregate = "last"\nvalue = "plan"\nevents = { type = "identify" }': {"own": "pro"},
    'aggregate = "newest"\nvalue = "item"\nkeep = 2\nevents = { type = "page" }': {
        "own_1": "i3",
        "own_2": "i2",
    },
    'aggregate = "most_frequent"\nvalue = "context.device.type"\nkeep = 1\nevents = [{ type = "page" }]': {
        "own_1": "mobile"
    },
    'aggregate = "distinct"\nvalue = "path"\nevents = { type = "page" }': {"own": pytest.approx(3, abs=0.1)},
    'aggregate = "share"\nvalue = "products.kind"\nkeep = 1\nevents = { type = "track" }': {"own_toy": 0.75},
    'aggregate = "decayed_rate"\nhalf_life = "1d"\nevents = { type = "page" }': {"own": pytest.approx(2.5)},
    'aggregate = "streak"\nevents = { type = "page" }': {"own": 2},
    'aggregate = "time_since"\nevents = { type = "identify" }': {"own": pytest.approx(0.5)},
    'aggregate = "mean"\nvalue = "pageViews"\nevents = { type = "session" }': {"own": 4},
    'aggregate = "count"\nevents = { type = "page", name = "Home" }\nwindows = ["session"]': {
        "own_session": 1
    },
    'aggregate = "count"\nmissing = "zero"\nevents = { type = "track", name = "Never" }': {"own": 0},
    'aggregate = "sum"\nvalue = "total"\nevents = { type = "track", where = [{ property = "total", '
    'above = 20 }, { property = "coupon", exists = false }] }': {"own": 50},
}
MOBILE = {"device": {"type": "mobile"}}


def declare(*entries: str) -> Definitions:
    return parse_definitions(
        "\n".join(
            f'[[features]]\nname = "own{place or ""}"\nabout = "One of ours."\n{entry}'
            for place, entry in enumerate(entries)
        )
    )


COUNT = 'aggregate = "count"\nevents = { type = "page" }\nwindows = ["7d", "lifetime"]'


def stream(user: str = "u") -> list[bytes]:
    products: list[dict[str, Any]] = [{"price": 2.5, "kind": "toy"}, {"price": 10, "kind": "toy"}]
    return [
        event("identify", user, 0, traits={"plan": "free"}),
        page(user, 60, "i1", context=MOBILE, name="Home"),
        track(
            user, 90, "Order Completed", {"total": 50, "products": [*products, {"price": 40, "kind": "toy"}]}
        ),
        session(user, 3_000, 600, 4),
        page(user, DAY, "i2", context=MOBILE | {"page": {"path": "/a"}}),
        event("identify", user, DAY, traits={"plan": "pro"}),
        page(user, DAY + HOUR * 12 - 60, "i3", name="Home", context={"page": {"path": "/b"}}),
        track(
            user,
            DAY + HOUR * 12,
            "Order Completed",
            {"total": 12.5, "coupon": "x", "products": [{"price": 10, "kind": "book"}]},
        ),
    ]


@pytest.mark.parametrize(("entry", "expected"), DOZEN.items(), ids=range(len(DOZEN)))
def test_a_feature_is_one_entry(entry: str, expected: dict[str, object]) -> None:
    driver = Driver(Rules(definitions=declare(entry)))
    driver.pipe(*stream())
    driver.restart()
    at = DAY + 12 * HOUR
    own = {name: value for name, value in driver.features("u", at).items() if name.startswith("own")}
    if "half_life" in entry:
        expected = {"own": pytest.approx(0.5 ** (1.5 - 60 / DAY) + 0.5**0.5 + 1, abs=0.01)}
    assert own == expected


def test_they_reach_labels_moments_outlooks_exports_and_limited_readings() -> None:
    definitions = declare(COUNT)
    driver = Driver(Rules(definitions=definitions))
    driver.pipe(*stream(), label("u", DAY + HOUR * 12 + 1, 3))
    driver.advance_event_time(3 * DAY)
    driver.advance_event_time(11 * DAY)
    driver.restart()
    driver.advance_event_time(30 * DAY)
    examples = driver.of(TrainingExample, "u")
    assert {example.target for example in examples} == {"engagement_tier", "will_return"}
    assert {example.features["own"] for example in examples} == {3, 1}  # at the label; after the first visit
    row = driver.rows["u"]
    described = describe_row(row, definitions)
    assert described["features"]["own"] == 3
    assert described["complete_since"] == {"own": None, "own_7d": None}
    limited = read_features(row, row.seen_at, reading=reading_of(frozenset({"own_7d"}), definitions))
    assert limited == {"own_7d": 3}


def test_without_definitions_a_row_keeps_none() -> None:
    driver = Driver(Rules(definitions=declare(COUNT)))
    driver.pipe(*stream())
    assert driver.rows["u"].declared is not None
    driver.rules = Rules()
    driver.restart()
    driver.pipe(page("u", 2 * DAY))
    assert driver.rows["u"].declared is None
    assert "own" not in driver.features("u", 2 * DAY)


def test_a_feature_declared_later_says_since_when_it_is_complete_and_a_new_user_is_from_the_first() -> None:
    driver = Driver(Rules(definitions=declare(COUNT)))
    driver.pipe(*stream())
    changed = declare(COUNT, 'aggregate = "count"\nevents = { type = "track" }')
    driver.rules = Rules(definitions=changed)
    driver.restart()
    driver.pipe(page("u", 2 * DAY), track("new", 2 * DAY, "Order Completed"))
    old, new = (describe_row(driver.rows[user], changed) for user in ("u", "new"))
    assert (old["features"]["own"], "own1" in old["features"]) == (4, False)
    assert old["complete_since"] == {"own_7d": None, "own": None, "own1": "2024-03-06T08:00:00+00:00"}
    assert set(new["complete_since"].values()) == {None}
    assert new["features"]["own1"] == 1


def test_ids_that_become_one_user_have_what_both_did() -> None:
    entries = (COUNT, 'aggregate = "sum"\nvalue = "total"\nevents = { type = "track" }\nwindows = ["24h"]')
    rules = Rules(definitions=declare(*entries))
    joined = Driver(rules, partitions=4)
    joined.pipe(
        page("known", 0),
        event("page", "", 10, anonymousId="visitor"),
        event("track", "", 20, anonymousId="visitor", event="Order Completed", properties={"total": 7}),
        track("known", 30, "Order Completed", {"total": 5}),
        event("identify", "known", 40, anonymousId="visitor"),
        event("page", "", 50, anonymousId="visitor"),
    )
    features = joined.features("known", 60)
    assert (features["own"], features["own_7d"], features["own1_24h"]) == (3, 3, 12)
    joined.erase("known")
    joined.pipe(page("known", 3_650 * DAY + 200))
    assert joined.features("known", 3_650 * DAY + 200)["own"] == 1


def test_withdrawn_consent_takes_them_away() -> None:
    driver = Driver(Rules(definitions=declare(COUNT)))
    driver.pipe(
        page("u", 0), page("u", 1, context={"consent": {"categoryPreferences": {"analytics": False}}})
    )
    assert driver.rows["u"].declared is None


def test_a_row_without_them_is_read_as_one_stored_before() -> None:
    assert decode_row(encode_row(UserRow())).declared is None


def test_texts_that_name_somebody_are_not_kept() -> None:
    driver = Driver(
        Rules(definitions=declare('aggregate = "last"\nvalue = "note"\nevents = { type = "track" }'))
    )
    driver.pipe(*(track("u", n, "Noted", {"note": note}) for n, note in enumerate(["ok", "ada@example.com"])))
    assert driver.features("u", 10)["own"] == "ok"
