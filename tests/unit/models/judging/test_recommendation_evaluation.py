import random

import pytest

from stream_app.models.judging.recommendation_evaluation import ClickedSession, evaluate_sessions
from stream_app.models.recommenders import Blend, IndexLimits


def clicked(session_id: str, items: str, start: float) -> ClickedSession:
    return ClickedSession(session_id, tuple(items), tuple(start + 60 * turn for turn in range(len(items))))


@pytest.fixture
def train() -> list[ClickedSession]:
    draw = random.Random(2)
    topics = ["abcd", "efgh", "ijkl"]
    return [
        clicked(f"train {n}", "".join(draw.choices(draw.choice(topics), k=4)), 1_000.0 * n) for n in range(80)
    ]


def test_the_report_has_the_promised_keys(train):
    test = [clicked("1", "abcd", 1e6), clicked("2", "ee", 2e6)]
    report = evaluate_sessions(train, test, k=20)
    sources = {source.name for source in Blend().sources}
    for manner in ("frozen", "prequential"):
        assert report[manner].keys() >= {"blend", "popularity", "item_knn", "first_order_markov", *sources}
        for scores in report[manner].values():
            assert scores.keys() == {
                *("hr@5", "hr@10", "hr@20", "mrr@5", "mrr@10", "mrr@20", "coverage", "novelty")
            }
    assert report["positions"] == 4
    assert report["query_us"].keys() == report["update_us"].keys() == {"p50", "p99"}
    assert report["memory_mb"] > 0


def test_a_position_predicts_the_click_after_it(train):
    train = [clicked(f"{n}", "xy", 1_000.0 * n) for n in range(5)]
    report = evaluate_sessions(train, [clicked("q", "xyab", 1e6)], k=1, positions={("q", 1), ("r", 1)})
    assert report["positions"] == 1
    assert report["frozen"]["first_order_markov"]["hr@1"] == 1.0
    report = evaluate_sessions(train, [clicked("q", "xyab", 1e6)], k=1, positions={("q", 3)})
    assert report["frozen"]["first_order_markov"]["hr@1"] == 0.0


def test_frozen_learns_nothing_of_the_test_and_prequential_does(train):
    test = [clicked(f"new {n}", "xy", 1e6 + 1_000 * n) for n in range(10)]
    report = evaluate_sessions(train, test, k=5)
    assert report["frozen"]["blend"]["hr@5"] == 0.0
    assert report["prequential"]["blend"]["hr@5"] == pytest.approx(0.9)
    assert report["prequential"]["popularity"]["mrr@5"] > 0


def test_a_session_is_not_learned_before_it_has_ended(train):
    long = ClickedSession("long", ("x", "y"), (1e6, 3e6))
    meanwhile = ClickedSession("meanwhile", ("x", "y"), (2e6, 2e6 + 60))
    report = evaluate_sessions(train, [long, meanwhile], k=5)
    assert report["prequential"]["first_order_markov"]["hr@5"] == 0.0
    after = ClickedSession("after", ("x", "y"), (4e6, 4e6 + 60))
    report = evaluate_sessions(train, [long, meanwhile, after], k=5)
    assert report["prequential"]["first_order_markov"]["hr@5"] == pytest.approx(1 / 3)


def test_training_follows_the_ends_of_sessions_and_not_the_order_given():
    train = [clicked("late", "xy", 9_000.0), clicked("early", "xz", 1_000.0)]
    holds_the_last = IndexLimits(sessions=1)
    report = evaluate_sessions(train, [clicked("1", "xy", 1e6)], k=1, limits=holds_the_last)
    assert report["frozen"]["first_order_markov"]["hr@1"] == 1.0


def test_no_position_to_score_is_an_error(train):
    with pytest.raises(ValueError, match="no position to score"):
        evaluate_sessions(train, [clicked("1", "a", 1e6)])
