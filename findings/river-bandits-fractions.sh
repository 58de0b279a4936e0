#!/usr/bin/env bash
# river 0.26.1: Thompson sampling and Bayes-UCB count every reward that is not zero as a full success.
# Guess: a reward of 0.1 moves the Beta distribution by a tenth (alpha + .1, beta + .9), or is refused.
# Seen: alpha grows by one and beta not at all. Two arms that pay 0.1 and 0.9 are the same arm; which of them wins
# depends on the seed, and Bayes-UCB never even tries the other one.
# Matters: rewards of a notification are often parts: dwell time, a discounted order, a decayed click. The policy
# learns nothing from them and looks as if it did.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check river==0.26.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from river import bandit, proba

PAYS = {"low": 0.1, "high": 0.9}
print("river", version("river"))
one = proba.Beta()
one.update(0.1)
assert (one.alpha, one.beta) == (2, 1), one
for policy in (bandit.ThompsonSampling, bandit.BayesUCB):
    kept_to_the_low = 0
    for seed in range(20):
        bandits = policy(reward_obj=proba.Beta(), seed=seed)
        pulls = dict.fromkeys(PAYS, 0)
        for _ in range(300):
            arm = bandits.pull(list(PAYS))
            bandits.update(arm, PAYS[arm])
            pulls[arm] += 1
        kept_to_the_low += pulls["low"] > pulls["high"]
    print(f"{policy.__name__}: the arm that pays 0.1 was preferred to that with 0.9 in {kept_to_the_low} of 20 runs")
    assert 4 <= kept_to_the_low <= 16, kept_to_the_low
PYTHON
