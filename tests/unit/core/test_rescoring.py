import pytest

from stream_app.core.partition import Partition
from stream_app.core.records import Batch
from stream_app.core.rescoring import GROWTH, Sweep, score_again
from stream_app.core.step import step
from stream_app.features.user_row import UserRow
from stream_app.intake.consent import PERSONALISATION
from stream_app.learning.model_adapters import OutcomeScorer, TierScorer
from stream_app.learning.ports import Models
from stream_app.models.learning import Example
from stream_app.models.targets import outcome_model, tier_model
from stream_app.runtimes.common.intake import plain_intake
from stream_app.schemas.outputs import EngagementTier, Outlook
from stream_app.schemas.topics import EVENTS
from stream_app.settings.rules import DAY, Rules
from stream_app.testing import RECEIVED_AT, START, FixedRecommender, FixedTierModel, page, records, session

RULES = Rules()
NOW = RECEIVED_AT


def learned(examples: int, label: int = 3) -> Models:
    tiers, outcome = TierScorer(tier_model()), OutcomeScorer(outcome_model("will_return"))
    tiers.model.learn_many([Example({"uses": float(n % 5)}, label if n % 9 else 1) for n in range(examples)])
    outcome.model.learn_many([Example({"sessions_7d": 1.0}, n % 2 == 0) for n in range(examples)])
    return Models(tiers, FixedRecommender(), {"will_return": outcome})


def filled(users: int = 6) -> tuple[Partition, dict[str, UserRow]]:
    partition, rows = Partition(2, RULES), {}
    values = [session(f"u{n}", 60.0 * n, 30, 2) for n in range(users)] + [page("open", 900.0)]
    models = Models(FixedTierModel(), FixedRecommender())
    result = step(partition, Batch(EVENTS.name, 2, records(values)), rows, plain_intake(), models, RULES, NOW)
    rows.update({key: row for key, row in result.rows.items() if row is not None})
    return partition, rows


def test_users_without_a_new_event_are_scored_by_the_new_model_at_once():
    """They stayed as the rule by usage had them until their next event, which for most never came."""
    partition, rows = filled()
    assert {row.tier for key, row in rows.items() if key != "open"} == {1}
    result = score_again(partition, sorted(rows), rows, learned(400), RULES, NOW)
    tiers = [output for output in result.outputs if isinstance(output, EngagementTier)]
    assert [(tier.user_key, tier.tier, tier.previous_tier) for tier in tiers] == [
        (f"u{n}", 3, 1) for n in range(6)
    ]
    assert {tier.model.name for tier in tiers} == {"engagement_tier"}
    assert {tier.as_of.timestamp() for tier in tiers} == {START + 900}
    outlooks = [output for output in result.outputs if isinstance(output, Outlook)]
    assert [outlook.user_key for outlook in outlooks] == [f"u{n}" for n in range(6)]
    assert set(result.rows) == {f"u{n}" for n in range(6)}
    again = score_again(partition, sorted(rows), rows, learned(400), RULES, NOW)
    assert not [output for output in again.outputs if isinstance(output, EngagementTier)]


def test_repeated_after_a_crash_it_gives_the_same_ids_and_by_another_model_others():
    first = score_again(*arguments(learned(400)))
    same = score_again(*arguments(learned(400)))
    other = score_again(*arguments(learned(500)))
    ids = [[output.id for output in result.outputs] for result in (first, same, other)]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])
    assert len(set(ids[0])) == len(ids[0])


def arguments(models: Models):
    partition, rows = filled()
    return partition, sorted(rows), rows, models, RULES, NOW


def test_who_agreed_to_nothing_is_a_bot_or_points_elsewhere_is_left_alone():
    partition, rows = filled()
    rows["u0"].consent = PERSONALISATION
    rows["u1"].is_bot = True
    rows["u2"].merged_into = "u3"
    result = score_again(partition, ["u0", "u1", "u2", "gone", "u3"], rows, learned(400), RULES, NOW)
    assert {output.user_key for output in result.outputs} == {"u3"} == set(result.rows)


def test_of_users_long_gone_the_tier_is_told_and_no_outlook():
    partition, rows = filled()
    partition.meta.highest_at += 5 * RULES.outlook_horizon
    result = score_again(partition, ["u0"], rows, learned(400), RULES, NOW)
    assert [type(output) for output in result.outputs] == [EngagementTier]


@pytest.mark.parametrize("most", [1, 4, 100])
def test_a_sweep_takes_every_user_once(most):
    partition, rows = filled()
    sweep, models, taken = Sweep(partition), learned(40), []
    sweep.begin(models, is_idle=False)
    while users := sweep.pop_next(most):
        assert len(users) <= most
        taken += users
    assert taken == sorted(rows)
    sweep.begin(models, is_idle=True)
    assert sweep.pop_next(100) == []


def test_a_sweep_begins_when_a_model_has_grown_or_nothing_else_is_to_do():
    partition, _ = filled()
    sweep = Sweep(partition)
    sweep.begin(Models(FixedTierModel(), FixedRecommender()), is_idle=True)
    assert not sweep.pop_next(100)
    sweep.begin(learned(40), is_idle=False)
    assert sweep.pop_next(100)
    sweep.begin(learned(int(40 * GROWTH)), is_idle=False)
    assert not sweep.pop_next(100)
    sweep.begin(learned(int(40 * GROWTH)), is_idle=True)
    assert sweep.pop_next(100)
    sweep.begin(learned(2 * int(40 * GROWTH)), is_idle=False)
    assert sweep.pop_next(100)


def test_a_sweep_that_a_stop_cut_short_begins_again_and_a_whole_one_does_not():
    partition, _ = filled()
    sweep, models = Sweep(partition), learned(40)
    sweep.begin(models, is_idle=False)
    sweep.pop_next(2)
    begun_again = Partition(2, RULES, partition.encode_meta())
    begun_again.add_user("u", UserRow(seen_at=DAY))
    other = Sweep(begun_again)
    other.begin(models, is_idle=False)
    assert other.pop_next(9) == ["u"]
    sweep.pop_next(100)
    third = Sweep(Partition(2, RULES, partition.encode_meta()))
    third.begin(models, is_idle=True)
    assert third.pop_next(9) == []


def test_rows_of_removed_users_are_not_listed():
    partition, rows = filled()
    partition.drop_user("u4")
    assert sorted(partition.user_keys()) == sorted(set(rows) - {"u4"})
    assert len(partition.user_keys()) == partition.users
