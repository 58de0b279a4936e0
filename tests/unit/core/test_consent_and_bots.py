"""What a user did not agree to, and what a bot does, teaches nothing."""

from typing import Any, TypeVar

import pytest

from stream_app.core.step import StepResult
from stream_app.features.automation import note_client
from stream_app.features.reading import read_features
from stream_app.features.user_row import ACTIVITY_HALF_LIFE, UserRow
from stream_app.intake import consent
from stream_app.schemas.outputs import ClosedSession, EngagementTier, Recommendations, TrainingExample
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import Driver, event, label, page, track

OutputT = TypeVar("OutputT")
BOT = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}


def of_kind(kind: type[OutputT], *results: StepResult) -> list[OutputT]:
    return [output for result in results for output in result.outputs if isinstance(output, kind)]


def saying(**preferences: bool) -> dict[str, Any]:
    return {"context": {"consent": {"categoryPreferences": preferences}}}


@pytest.mark.parametrize(
    ("default", "said"),
    [(0, {}), (0, {"marketing": True}), (7, {"analytics": False}), (7, {"statistics": False})],
)
def test_without_analytics_nothing_is_learned_or_kept(default: int, said: dict[str, bool]) -> None:
    driver = Driver(Rules(default_consent=default))
    context = saying(**said)["context"] | {"device": {"type": "mobile"}, "timezone": "Europe/Berlin"}
    values = [
        page("u", 0, "item", context=context),
        track("u", 5, "Order Completed", {"revenue": 9}, context=context),
        event("identify", "u", 6, traits={"age": 30}, context=context),
        event("session", "u", 7, properties={"pageViews": 3, "duration": 60}, context=context),
        label("u", 8, 3, context=context),
    ]
    result = driver.pipe(*values)
    assert set(result.events) == {
        (kind, "without_consent") for kind in ("page", "track", "identify", "session", "label")
    }
    assert result.outputs == driver.advance_clock(0).outputs == []
    kept = driver.rows["u"]
    nothing = UserRow(
        applied={EVENTS.name: 4},
        seen_at=kept.seen_at,
        recent_ids=kept.recent_ids,
        consent=kept.consent,
        consent_at=kept.consent_at,
    )
    assert kept == nothing
    assert read_features(kept, kept.seen_at) == read_features(UserRow(), kept.seen_at)


def test_what_was_agreed_to_counts_from_then_on() -> None:
    driver = Driver(Rules(default_consent=0))
    assert driver.pipe(page("u", 0, "a")).outputs == []
    agreed = driver.pipe(page("u", 60, "b", **saying(analytics=True, personalisation=True)))
    [tier] = of_kind(EngagementTier, agreed)
    assert tier.consent == ["analytics", "personalisation"]
    assert read_features(driver.rows["u"], tier.as_of.timestamp())["count_page"] == 1
    withdrawn = driver.pipe(page("u", 120, "c", **saying(analytics=False)))
    assert (withdrawn.events, withdrawn.outputs) == ({("page", "without_consent"): 1}, [])


def test_without_personalisation_recommendations_follow_the_current_item_alone() -> None:
    views = [page("u", at, f"item-{at}") for at in (0, 40, 80)]
    for default, seen in (
        (consent.ANALYTICS | consent.PERSONALISATION, [1, 2, 3]),
        (consent.ANALYTICS, [1, 1, 1]),
    ):
        made = of_kind(Recommendations, Driver(Rules(default_consent=default)).pipe(*views))
        assert [output.items[0].item_id for output in made] == [
            f"item-{at}-{count}-1" for at, count in zip((0, 40, 80), seen, strict=True)
        ]


def test_bots_get_no_tier_and_no_recommendations_and_teach_nothing() -> None:
    driver = Driver(Rules())
    views = [page("bot", at, f"item-{at}", context=BOT) for at in (0, 100, 200)]
    results = [driver.pipe(*views, label("bot", 300, 3)), driver.advance_clock(0)]
    assert of_kind(EngagementTier, *results) == of_kind(Recommendations, *results) == []  # type: ignore[comparison-overlap]
    assert of_kind(TrainingExample, *results) == []
    [closed] = of_kind(ClosedSession, *results)
    assert closed.is_bot


def is_bot_after(*events: bytes) -> bool:
    driver = Driver(Rules())
    driver.pipe(*events)
    return driver.rows["u"].is_bot


def test_one_event_of_a_bot_makes_nobody_one_for_good() -> None:
    views = [page("u", at, f"item-{at}") for at in range(0, 300, 100)]
    once = page("u", 310, "x", context=BOT)
    assert not is_bot_after(*views, once)
    assert is_bot_after(once)
    assert not is_bot_after(once, *[page("u", at, f"item-{at}") for at in (320, 330)])


def test_a_bot_is_known_by_most_of_what_was_done_of_late() -> None:
    crawl = [page("u", at, f"item-{at}", context=BOT) for at in range(10)]
    assert is_bot_after(*crawl, page("u", 20, "a"))
    # Six weeks later one visit of a person outweighs what is left of ten by a bot.
    assert not is_bot_after(*crawl, page("u", 42 * DAY, "a"))


def test_who_was_a_bot_for_good_in_an_older_row_is_one_until_a_person_outweighs_it() -> None:
    row = UserRow(is_bot=True)
    row.activity.add(4.0, 100.0, ACTIVITY_HALF_LIFE)
    seen = []
    for at in range(101, 107):
        note_client(row, False, float(at))
        row.activity.add(1.0, float(at), ACTIVITY_HALF_LIFE)
        seen.append(row.is_bot)
    assert seen == [True, True, True, False, False, False]


def managing(allowed: list[str], denied: list[str]) -> dict[str, Any]:
    ids = {"allowedConsentIds": allowed, "deniedConsentIds": denied, "provider": "custom"}
    return {"context": {"consentManagement": ids}}


@pytest.mark.parametrize("said", [managing(["marketing"], ["analytics"]), managing(["C0002"], ["c0002"])])
def test_consent_is_read_from_rudderstacks_form(said: dict[str, Any]) -> None:
    assert Driver(Rules()).pipe(page("u", 0, "a", **said)).events == {("page", "without_consent"): 1}


@pytest.mark.parametrize(
    "management", [None, [], "all", {"deniedConsentIds": "analytics"}, {"deniedConsentIds": [5, None]}]
)
def test_what_tells_no_consent_costs_nothing(management: Any) -> None:
    said = {"context": {"consentManagement": management}}
    assert Driver(Rules()).pipe(page("u", 0, "a", **said)).events == {("page", "processed"): 1}


def test_each_event_of_a_batch_is_judged_by_what_was_said_before_it() -> None:
    driver = Driver(Rules())
    result = driver.pipe(
        page("u", 0, "a"),
        page("u", 1, "b", **saying(analytics=False)),
        page("u", 2, "c"),
        page("u", 3, "d", **saying(analytics=True)),
        page("u", 4, "e"),
    )
    assert result.events == {("page", "processed"): 3, ("page", "without_consent"): 2}
    assert driver.rows["u"].recent_items == ["d", "e"]


def test_what_was_said_later_holds_though_it_arrives_first() -> None:
    driver = Driver(Rules())
    driver.pipe(page("u", 100, "a", **saying(analytics=False)))
    # Held back in the tracker's queue, from when the user still agreed.
    late = driver.pipe(page("u", 50, "b", **saying(analytics=True)), page("u", 110, "c"))
    assert late.events == {("page", "without_consent"): 2}
    driver.pipe(page("u", 120, "d", **saying(analytics=True)))
    held_back = driver.pipe(page("u", 115, "e", **saying(analytics=False)), page("u", 130, "f"))
    assert held_back.events == {("page", "without_consent"): 1, ("page", "processed"): 1}


def test_people_beside_bots_are_served() -> None:
    results = [
        (driver := Driver(Rules())).pipe(page("u", 0, "a"), label("u", 9, 3)),
        driver.advance_clock(0),
    ]
    assert of_kind(EngagementTier, *results)
    assert of_kind(Recommendations, *results)
    assert of_kind(TrainingExample, *results)
    assert not of_kind(ClosedSession, *results)[0].is_bot


def test_who_withdraws_is_forgotten_and_may_begin_anew() -> None:
    driver = Driver(Rules())
    driver.pipe(page("u", 0, "item"), page("u", 5, "other"))
    result = driver.pipe(page("u", 9, **saying(analytics=False)))
    assert result.events == {("page", "without_consent"): 1}
    row = driver.rows["u"]
    assert read_features(row, row.seen_at) == read_features(UserRow(), row.seen_at)
    assert (row.open_sessions, row.recent_items, row.applied) == ([], [], {EVENTS.name: 2})
    assert of_kind(ClosedSession, driver.advance_clock(0)) == []
    driver.pipe(page("u", 20, **saying(analytics=True)))
    assert driver.rows["u"].kinds["page"].count == 1
