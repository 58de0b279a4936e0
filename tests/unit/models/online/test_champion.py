import random

from stream_app.models.online.champion import Contest


def play(contest, losses):
    for loss in losses:
        contest.update(loss)
    return contest


def noisy(count, seed, **means):
    chance = random.Random(seed)
    return [{name: chance.gauss(mean, 1.0) for name, mean in means.items()} for _ in range(count)]


def test_a_clearly_better_challenger_takes_over():
    contest = play(Contest(("old", "new")), noisy(1_500, 0, old=1.0, new=0.5))
    assert contest.champion == "new"
    assert contest.replacements == 1


def test_no_challenger_takes_over_before_the_least_reign():
    contest = play(Contest(("old", "new"), least_reign=300), noisy(299, 0, old=9.0, new=0.0))
    assert contest.champion == "old"
    contest.update({"old": 9.0, "new": 0.0})
    assert contest.champion == "new"


def test_equals_do_not_alternate():
    replacements = sum(
        play(Contest(("a", "b")), noisy(3_000, seed, a=1.0, b=1.0)).replacements for seed in range(20)
    )
    assert replacements <= 3


def test_a_lead_must_last():
    contest = Contest(("old", "new"), half_life=5, errors=1.0, patience=50, least_reign=0)
    for _ in range(30):
        play(contest, [{"old": 1.0, "new": 0.0}] * 40 + [{"old": 0.0, "new": 1.0}] * 20)
    assert contest.replacements == 0


def test_the_best_of_several_takes_over():
    contest = play(Contest(("a", "b", "c")), noisy(2_000, 1, a=2.0, b=1.5, c=0.5))
    assert contest.champion == "c"


def test_the_champion_is_won_back_after_a_drift():
    contest = Contest(("a", "b"))
    play(contest, noisy(2_000, 2, a=1.0, b=0.5))
    assert contest.champion == "b"
    play(contest, noisy(3_000, 3, a=0.5, b=1.0))
    assert contest.champion == "a"


def test_examples_that_pass_count_for_the_reign_alone():
    contest = Contest(("old", "new"), least_reign=300)
    for _ in range(250):
        contest.let_pass()
    play(contest, noisy(40, 0, old=9.0, new=0.0))
    assert (contest.champion, contest.reign) == ("old", 290)
    play(contest, noisy(40, 0, old=9.0, new=0.0))
    assert contest.champion == "new"
