"""What every runtime must do; each runtime inherits the cases and says how it is run."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from stream_app.features.reading import Features, read_features
from stream_app.features.user_row import UserRow
from stream_app.observability.metrics import Metrics
from stream_app.schemas.outputs import FailedEvent, TrainingExample
from stream_app.settings.rules import Rules
from stream_app.testing import (
    START,
    as_json,
    comparable,
    event,
    label,
    malformed,
    page,
    random_events,
    session,
    track,
)

HOUR = 3_600.0
RULES = Rules()


class RawRecord(NamedTuple):
    """A record as a client sends it."""

    key: bytes | None
    value: bytes | None


@dataclass
class Processed:
    """What there is once a runtime has done with all that it was given."""

    rows: dict[str, UserRow]
    outputs: list[dict[str, Any]]
    metrics: Metrics

    def of(self, schema: str, user: str | None = None) -> list[dict[str, Any]]:
        """Outputs of one schema, of one user or of all, in event time."""
        found = [
            output
            for output in self.outputs
            if output["schema_name"] == schema and user in (None, output["user_key"])
        ]
        return sorted(found, key=lambda output: (output["as_of"], output["source"]["offset"]))

    def features(self, user: str, at: float) -> Features:
        """A user's features, `at` seconds after the start."""
        return read_features(self.rows[user], START + at)


def keyed(values: Sequence[bytes]) -> list[RawRecord]:
    return [RawRecord(str(as_json(value)["userId"]).encode(), value) for value in values]


class RuntimeBehaviour(ABC):
    """The cases. All records of a case go to one partition, in the order given."""

    carries_nulls: bool
    carries_keys: bool

    @abstractmethod
    def process(self, folder: Path, *deliveries: Sequence[RawRecord]) -> Processed:
        """Run an empty runtime with `FixedModels` and the default rules over the records to their end.

        Each delivery is given to a runtime that was stopped and started since the one before. At the end
        of the last, sessions that are idle by wall time are closed.
        """

    def process_values(self, folder: Path, *values: bytes) -> Processed:
        """Process events in one delivery, keyed by their users."""
        return self.process(folder, keyed(values))

    def test_each_event_type_lands_in_its_features(self, tmp_path: Path) -> None:
        context = {"device": {"type": "mobile"}}
        done = self.process_values(
            tmp_path,
            event("identify", "u", 0, traits={"age": 41, "plan": "gold"}),
            event("group", "u", 1, groupId="g"),
            page("u", 2, "item-1", context=context),
            event("screen", "u", 3, properties={"item_id": "item-2"}),
            track("u", 4, "Product Clicked", {"product_id": "item-3"}),
            track("u", 5, "Order Completed", {"revenue": 19.5}),
            session("u", 6, 60, 2),
            label("u", 7, 3),
        )
        features = done.features("u", 10)
        expected = {
            "trait_age": 41, "trait_plan": "gold", "count_identify": 1, "count_group": 1, "count_page": 1,
            "count_screen": 1, "count_track": 2, "count_session": 1, "page_views_1h": 2, "actions_1h": 2,
            "purchases_1h": 1, "revenue_1h": 19.5, "top_device": "mobile", "distinct_items": 3,
            "sessions_1h": 1, "session_duration_mean": 60, "session_page_views_mean": 2, "active_days": 1,
        }  # fmt: skip
        assert {name: features.get(name) for name in expected} == expected
        assert "count_label" not in features
        [example] = done.of("training_example", "u")
        assert example["label"] == 3
        assert done.metrics.event_outcomes() == {"processed": 8}

    def test_ids_that_stand_for_nothing_make_no_two_people_visits_or_items_one(self, tmp_path: Path) -> None:
        visits = [
            event("page", "null", n, anonymousId=f"visitor-{n}", properties={"product_id": "undefined"})
            for n in range(6)
        ]
        nobody = [event("page", "", 10 + n, anonymousId=" Undefined") for n in range(6)]
        apart = [page("u", at, context={"sessionId": "NaN"}) for at in (100, 100 + HOUR)]
        records = [RawRecord(b"k", value) for value in (*visits, *nobody, *apart)]
        done = self.process(tmp_path, records)
        assert done.rows.keys() == {*(f"visitor-{n}" for n in range(6)), "u"}
        assert {row.kinds["page"].count for user, row in done.rows.items() if user != "u"} == {1}
        assert not any(row.recent_items for row in done.rows.values())
        assert [failed["reason"] for failed in done.of("failed_event")] == ["missing_user"] * 6
        assert done.rows["u"].session_durations.count == 2
        counted = {
            field: done.metrics.registry.get_sample_value(
                "stream_app_placeholder_ids_total", {"field": field}
            )
            for field in ("userId", "anonymousId", "sessionId", "itemId")
        }
        assert counted == {"userId": 6, "anonymousId": 6, "sessionId": 2, "itemId": 6}

    def test_a_tier_is_sent_when_first_known_and_when_it_changes(self, tmp_path: Path) -> None:
        moments = [page("u", number * 301.0) for number in range(9)]
        done = self.process_values(tmp_path, page("quiet", 0), *moments)
        tiers = [
            (tier["previous_tier"], tier["tier"], tier["tier_name"])
            for tier in done.of("engagement_tier", "u")
        ]
        assert tiers == [(None, 1, "low"), (1, 2, "medium"), (2, 3, "high")]
        changes = [tier["source"]["offset"] for tier in done.of("engagement_tier", "u")]
        assert changes == [1, 4, 7]  # each decided twice in a row before it is sent
        [first] = done.of("engagement_tier", "quiet")
        assert (first["tier"], first["model"]["name"]) == (1, "fixed_tiers")

    def test_recommendations_follow_the_session_at_most_every_interval(self, tmp_path: Path) -> None:
        done = self.process_values(tmp_path, *(page("u", at, f"item-{at}") for at in (0, 10, 29, 30, 59, 60)))
        made = done.of("recommendations", "u")
        assert [output["items"][0]["item_id"] for output in made] == [
            "item-0-1-1",
            "item-30-4-1",
            "item-60-6-1",
        ]
        assert all(output["expires_at"] > output["as_of"] for output in made)

    def test_repeats_are_dropped(self, tmp_path: Path) -> None:
        once = [page("u", at * 40.0, f"item-{at}", messageId=f"m{at}") for at in range(5)]
        single = self.process_values(tmp_path / "once", *once)
        done = self.process_values(tmp_path / "twice", *once, *once, once[3])
        assert done.features("u", 300) == single.features("u", 300)
        assert len(done.outputs) == len(single.outputs)
        assert done.metrics.event_outcomes() == {"processed": 5, "repeated": 6}

    def test_events_that_are_too_late_are_refused(self, tmp_path: Path) -> None:
        late = page("u", HOUR - 1)
        done = self.process_values(
            tmp_path, page("a", 2 * HOUR), page("u", HOUR + 1), late, page("u", HOUR + 2)
        )
        [failed] = done.of("failed_event")
        assert (failed["reason"], failed["user_key"]) == ("late", "u")
        assert FailedEvent.model_validate(failed).original == late
        assert done.features("u", 2 * HOUR)["count_page"] == 2
        assert done.metrics.failure_counts() == {"late": 1}

    def test_a_thousand_malformed_inputs_between_good_ones(self, tmp_path: Path) -> None:
        random, records, bad = Random(11), [], {}
        for number in range(1_000):
            key, kind = str(number).encode(), malformed(random)
            if self.carries_nulls and number % 50 == 0:
                kind = kind._replace(value=None, reason="null_value")
            bad[len(records)] = (key, *kind)
            records.append(RawRecord(key, kind.value))
            if number % 4 == 0:
                user = f"user-{number % 7}"
                records.append(RawRecord(user.encode(), page(user, number * 10.0, "item")))
        done = self.process(tmp_path, records)
        failed = {
            output["source"]["offset"]: FailedEvent.model_validate(output)
            for output in done.of("failed_event")
        }
        assert {
            offset: (output.key if self.carries_keys else bad[offset][0], output.original, output.reason)
            for offset, output in failed.items()
        } == bad
        assert all(output.detail for output in failed.values())
        pages = [done.features(f"user-{number}", 0)["count_page"] for number in range(7)]
        assert sum(pages) == 250
        assert done.metrics.event_outcomes() == {"failed": 1_000, "processed": 250}
        assert done.metrics.failure_counts() == Counter(reason for _, _, reason in bad.values())

    def test_labels_become_examples_with_the_features_of_then(self, tmp_path: Path) -> None:
        before = [page("u", 0), page("u", 60)]
        expected = self.process_values(tmp_path / "before", *before).features("u", 90)
        about = {
            "target": "engagement_score",
            "value": 70,
            "itemId": "c1",
            "features": {"length": 9, "kind": "x"},
        }
        done = self.process_values(
            tmp_path / "all",
            *before,
            label("u", 90, 2),
            page("u", 100),
            event("label", "c1", 101, properties=about),
            label("nobody", 102, 1),
        )
        first, second, third = map(TrainingExample.model_validate, done.of("training_example"))
        assert (first.user_key, first.target, first.label) == ("u", "engagement_tier", 2)
        # The row of `before` was closed when idle, after all events: its session is known there alone.
        assert first.features.items() <= expected.items()
        assert first.features["count_page"] == 2
        assert (second.target, second.label, second.features) == (
            "engagement_score",
            70,
            {"length": 9, "kind": "x"},
        )
        nothing = ("active_days", "distinct_items", "uses", "is_loyal", "has_returned")
        assert third.features == dict.fromkeys(nothing, 0)

    def test_starts_of_items_are_told_once_their_horizon_has_passed(self, tmp_path: Path) -> None:
        course, product = {"course_id": "c1"}, {"product_id": "p1"}
        started = keyed([track("u", 0, "Course Started", course), track("u", 60, "Product Viewed", product)])
        completed = keyed([track("u", 2 * HOUR, "Course Completed", course), page("u", 240 * HOUR)])
        done = self.process(tmp_path, started, completed)
        [told] = done.of("item_outcomes", "u")
        assert told["target"] == "engagement_score"
        assert [(outcome["item_id"], outcome["is_completed"]) for outcome in told["outcomes"]] == [
            ("c1", True),
            ("p1", False),
        ]
        assert done.rows["u"].item_starts == []

    def test_nothing_is_learned_of_a_user_from_the_withdrawal_of_consent_on(self, tmp_path: Path) -> None:
        course, refused = {"course_id": "c1"}, {"consent": {"categoryPreferences": {"analytics": False}}}
        about = {"target": "engagement_score", "value": 70, "features": {"length": 9}}
        before = [
            page("u", 0, "a"),
            session("u", 60, 60, 1),
            track("u", 120, "Course Started", course),
            label("u", 130, 2),
        ]
        withdrawn = [
            page("u", 180, context=refused),
            track("u", 240, "Course Completed", course),
            label("u", 250, 3),
            event("label", "u", 260, properties=about),
            page("u", 2 * HOUR),
        ]
        # What was pending falls due long after: labels of outcomes, what became of starts, open sessions.
        done = self.process(tmp_path, keyed(before), keyed(withdrawn), keyed([page("other", 90 * 24 * HOUR)]))
        [learned] = done.of("training_example")
        assert (learned["user_key"], learned["label"]) == ("u", 2)
        assert done.of("item_outcomes") == []
        assert [closed["items"] for closed in done.of("closed_session", "u")] in ([[]], [["a"]])
        assert "u" not in done.rows or not done.rows["u"].kinds

    def test_sessions_close_by_the_watermark_and_when_idle(self, tmp_path: Path) -> None:
        done = self.process_values(
            tmp_path,
            page("u", 0, "a"),
            page("u", 600, "b"),
            page("v", 8 * HOUR, "c"),
            page("u", 8 * HOUR, "d"),
        )
        closed = done.of("closed_session")
        assert [(output["user_key"], output["items"]) for output in closed if output["user_key"] == "u"] == [
            ("u", ["a", "b"]),
            ("u", ["d"]),
        ]
        assert [output["duration"] for output in done.of("closed_session", "u")] == [600, 0]
        assert done.of("closed_session", "v")[0]["items"] == ["c"]
        assert done.features("u", 9 * HOUR)["session_gap_mean"] == 8 * HOUR - 600
        assert not any(row.open_sessions for row in done.rows.values())

    def test_a_summary_closes_its_session(self, tmp_path: Path) -> None:
        done = self.process_values(
            tmp_path, page("u", 0, "a"), page("u", 20, "b"), session("u", 30, 30, 2, sessionId="s")
        )
        [closed] = done.of("closed_session")
        assert (closed["session_id"], closed["items"], closed["page_views"]) == ("s", ["a", "b"], 2)

    def test_an_anonymous_history_joins_its_user(self, tmp_path: Path) -> None:
        known = [page("u", at, f"item-{at}", messageId=f"m{at}") for at in range(0, 180, 30)]
        alone = self.process_values(tmp_path / "known", *known)
        visits = [
            RawRecord(b"a", event("page", "", at, anonymousId="a", messageId=f"m{at}",
                                  properties={"product_id": f"item-{at}"}))
            for at in (0, 30, 150)
        ]  # fmt: skip
        said = event("identify", "u", 61, anonymousId="a", messageId="said")
        done = self.process(
            tmp_path / "joined",
            [*visits[:2], *keyed([known[2], said])],
            [*keyed([known[3], said]), visits[2], *keyed([known[4]])],
        )
        expected = alone.features("u", 300)
        joined = {name: value for name, value in done.features("u", 300).items() if name in expected}
        assert joined == expected
        assert done.features("u", 300)["count_identify"] == 1
        assert done.rows["a"].merged_into == "u"
        assert "count_page" not in done.features("a", 300)
        [closed] = done.of("closed_session")
        assert (closed["user_key"], closed["event_count"]) == ("u", 6)

    def test_stops_between_deliveries_change_nothing(self, tmp_path: Path) -> None:
        values = random_events(Random(3), 400)
        records = [RawRecord(b"k", value) for value in values]
        whole = self.process(tmp_path / "whole", records)
        parts = self.process(tmp_path / "parts", records[:150], records[150:151], records[151:])
        assert comparable(parts.outputs) == comparable(whole.outputs)
        assert parts.rows == whole.rows

    def test_outputs_carry_ids_causes_and_event_times(self, tmp_path: Path) -> None:
        done = self.process(tmp_path, [RawRecord(b"k", value) for value in random_events(Random(5), 200)])
        assert len({output["id"] for output in done.outputs}) == len(done.outputs)
        kinds = {output["schema_name"] for output in done.outputs}
        assert kinds == {
            "engagement_tier", "recommendations", "closed_session", "training_example", "failed_event",
        }  # fmt: skip
        for output in done.outputs:
            assert output["source"]["topic"] == "clickstream.events.v1"
            assert 0 <= output["source"]["offset"] < 200
            assert output["schema_version"] == 1
