import pytest

from stream_app.models.judging.recommendation_scores import RankingScores


def shares(item: str) -> float:
    return {"a": 0.5, "b": 0.25, "c": 0.25}[item]


def test_hits_and_reciprocal_ranks_by_cutoff():
    scores = RankingScores(cutoffs=(1, 2))
    scores.add(["a", "b", "c"], "a", shares)
    scores.add(["a", "b", "c"], "b", shares)
    scores.add(["a", "b", "c"], "c", shares)
    scores.add([], "c", shares)
    summary = scores.summary(catalogue_items=6)
    assert summary["hr@1"] == pytest.approx(1 / 4)
    assert summary["mrr@1"] == pytest.approx(1 / 4)
    assert summary["hr@2"] == pytest.approx(2 / 4)
    assert summary["mrr@2"] == pytest.approx((1 + 1 / 2) / 4)


def test_coverage_counts_items_once_and_novelty_is_mean_self_information():
    scores = RankingScores()
    scores.add(["a", "b"], "z", shares)
    scores.add(["b"], "z", shares)
    summary = scores.summary(catalogue_items=8)
    assert summary["coverage"] == pytest.approx(2 / 8)
    assert summary["novelty"] == pytest.approx((1 + 2 + 2) / 3)


def test_nothing_scored_is_zero_everywhere():
    assert set(RankingScores().summary(catalogue_items=0).values()) == {0.0}
