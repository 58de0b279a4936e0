from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from stream_app.core import outlooks, outputs
from stream_app.core.score_requests import SESSION_CLOSED, ScoreRequest
from stream_app.core.tiers import USAGE_RULE, decide_tiers
from stream_app.features.user_row import UserRow
from stream_app.intake import consent
from stream_app.models.insight.clusters import Cluster, Trait
from stream_app.schemas.envelopes import Cause
from stream_app.schemas.outputs import EngagementTier, ModelStamp, RecommendedItem
from stream_app.settings.rules import Rules
from stream_app.testing import START, FixedContribution, FixedPrediction

RULES = Rules()
NOW = datetime(2024, 5, 1, tzinfo=UTC)
STAMP = ModelStamp(name="scripted", version=3, examples_seen=9, status="ready")


class ScriptedTiers:
    """Answers each example with the tier that its features name."""

    def stamp(self) -> ModelStamp:
        return STAMP

    def features_read(self) -> None:
        return None

    def explain_tiers(
        self, _examples: Sequence[Mapping[str, float | str]], tiers: Sequence[int]
    ) -> list[list[FixedContribution]]:
        return [[FixedContribution("says", tier, 0.5)] for tier in tiers]

    def predict_tiers(self, examples: Sequence[Mapping[str, float | str]]) -> list[FixedPrediction]:
        return [FixedPrediction(features.get("says"), {1: 0.25, 3: 0.75}) for features in examples]


def requests(row: UserRow, tiers: Sequence[int | None], **features: float) -> list[ScoreRequest]:
    return [
        ScoreRequest(
            "u",
            row,
            features | ({"says": tier} if tier else {}),
            START + number,
            Cause("t", 1, number),
            "event",
            row.consent,
            row.control_group,
        )
        for number, tier in enumerate(tiers)
    ]


def decide(row: UserRow, tiers: Sequence[int | None], **features: float) -> list[EngagementTier]:
    return decide_tiers(requests(row, tiers, **features), ScriptedTiers(), RULES, NOW)


@pytest.mark.parametrize(
    ("decided", "emitted"),
    [
        ([2], [(0, None, 2)]),
        ([2, 2, 2], [(0, None, 2)]),
        ([2, 3], [(0, None, 2)]),
        ([2, 3, 3], [(0, None, 2), (2, 2, 3)]),
        ([2, 3, 2, 3, 2], [(0, None, 2)]),
        ([2, 3, 1, 1, 2], [(0, None, 2), (3, 2, 1)]),
        ([1, 3, 3, 1, 1], [(0, None, 1), (2, 1, 3), (4, 3, 1)]),
    ],
)
def test_a_change_must_be_decided_twice_in_a_row(
    decided: list[int], emitted: list[tuple[int, int | None, int]]
) -> None:
    together = decide(UserRow(), decided)
    assert [(tier.source.offset, tier.previous_tier, tier.tier) for tier in together] == emitted
    row, one_by_one = UserRow(), []
    for request in requests(UserRow(), decided):
        one_by_one += decide_tiers([request._replace(row=row)], ScriptedTiers(), RULES, NOW)
    assert one_by_one == together
    assert (row.tier, row.next_tier) == (emitted[-1][2], decided[-1])


def test_an_output_names_its_cause_its_time_and_its_model() -> None:
    [tier] = decide(UserRow(), [3])
    assert (tier.user_key, tier.tier_name, tier.as_of.timestamp()) == ("u", "high", START)
    assert (tier.emitted_at, tier.source.offset, tier.model) == (NOW, 0, STAMP)
    assert tier.probabilities == {"1": 0.25, "3": 0.75}
    assert [(reason.feature, reason.value, reason.contribution) for reason in tier.reasons] == [
        ("says", 3, 0.5)
    ]


@pytest.mark.parametrize(("sessions", "tier"), [(0, 1), (2, 1), (3, 2), (9, 2), (10, 3), (500, 3)])
def test_usage_decides_while_the_model_cannot(sessions: int, tier: int) -> None:
    [decided] = decide(UserRow(), [None], sessions_30d=sessions)
    assert (decided.tier, decided.model, decided.reasons) == (tier, USAGE_RULE, [])


def test_usage_is_that_of_the_request_whatever_happened_to_the_row_since() -> None:
    row = UserRow()
    [request] = requests(row, [None])
    row.tiles = [{0: [0, 0, 0, 99, 0, 0, 0]}] * 5
    [decided] = decide_tiers([request], ScriptedTiers(), RULES, NOW)
    assert decided.tier == 1


def test_no_requests_ask_no_model() -> None:
    assert decide_tiers([], SimpleNamespace(), RULES, NOW) == []


def test_recommendations_expire_in_event_time() -> None:
    made = outputs.build_recommendations(
        "r-1",
        "u",
        UserRow(last_at=START, consent=consent.ANALYTICS | consent.MARKETING, control_group="hold-out"),
        [RecommendedItem("a", 0.5, "here"), RecommendedItem("b", 0.25, "there")],
        STAMP,
        Cause("t", 1, 7),
        Rules(recommend_validity=60),
        NOW,
    )
    assert [(item.item_id, item.score, item.source) for item in made.items] == [
        ("a", 0.5, "here"),
        ("b", 0.25, "there"),
    ]
    assert (made.as_of.timestamp(), made.expires_at.timestamp()) == (START, START + 60)
    assert made.request_id == made.id == "r-1"
    assert (made.consent, made.control_group) == (["analytics", "marketing"], "hold-out")


def test_a_tier_tells_what_its_user_agreed_to_and_how_long_it_holds() -> None:
    rules = Rules(tier_validity=90.0, default_consent=consent.ANALYTICS)
    row = UserRow(consent=consent.UNSAID)
    [tier] = decide_tiers(requests(row, [3]), ScriptedTiers(), rules, NOW)
    assert (tier.consent, tier.control_group) == (["analytics"], None)
    assert tier.valid_until.timestamp() == START + 90
    [example] = decide(UserRow(consent=0, control_group="a"), [3])
    assert (example.consent, example.control_group) == ([], "a")


@pytest.mark.parametrize(
    ("decided", "emitted"),
    [
        ([2, 2, 2, 2, 2, 2, 2], [(0, None, 2), (3, 2, 2), (6, 2, 2)]),
        ([2, 2, 3, 3, 3, 3, 3], [(0, None, 2), (3, 2, 3), (6, 3, 3)]),
        ([2, 2, 2, 3, 2, 2, 2], [(0, None, 2), (4, 2, 2)]),
    ],
)
def test_a_tier_is_told_anew_when_its_validity_ends(
    decided: list[int], emitted: list[tuple[int, int | None, int]]
) -> None:
    rules = Rules(tier_validity=3.0)
    made = decide_tiers(requests(UserRow(), decided), ScriptedTiers(), rules, NOW)
    assert [(tier.source.offset, tier.previous_tier, tier.tier) for tier in made] == emitted
    assert [tier.valid_until.timestamp() - START for tier in made] == [offset + 3 for offset, _, _ in emitted]


class Grouping:
    """Foresees the same of everybody; tells users apart by how often they come, where it may."""

    def __init__(self, clusters: Mapping[float, Cluster | None]) -> None:
        self.clusters = clusters

    def stamp(self) -> ModelStamp:
        return STAMP

    def predict_chances(self, examples: Sequence[Mapping[str, float | str]]) -> list[float]:
        return [0.5] * len(examples)

    def clusters_of(self, examples: Sequence[Mapping[str, float | str]]) -> list[Cluster | None]:
        return [self.clusters.get(float(x["sessions_7d"])) for x in examples]


def test_an_outlook_tells_the_cluster_of_its_user_and_what_sets_it_apart() -> None:
    regulars = Cluster(4, 30, 0.25, [Trait("sessions_7d", 2.0, 9.0, 1.5)])
    ended = [
        request._replace(moment=SESSION_CLOSED)
        for visits in (9.0, 1.0)
        for request in requests(UserRow(), [None], sessions_7d=visits)
    ]
    models = {"churn": Grouping({}), "will_return": Grouping({9.0: regulars})}
    often, seldom = outlooks.foresee(ended, models, RULES, NOW)
    assert often.cluster is not None
    assert often.cluster.model_dump() == {
        "number": 4,
        "share": 0.25,
        "traits": [{"feature": "sessions_7d", "difference": 2.0, "inside": 9.0, "everybody": 1.5}],
    }
    assert seldom.cluster is None
    assert [told.cluster for told in outlooks.foresee(ended, {"churn": Grouping({})}, RULES, NOW)] == [
        None
    ] * 2
