#!/usr/bin/env bash
# river 0.26.1: metrics.ROCAUC of a perfect ranking is 0.5 when all scores are low.
# Guess: the area depends on the order of the scores, not on their size; an approximation is off by a little.
# Seen: it compares each score with ten thresholds spread evenly from 0 to 1. Scores between .001 and .08 that rank
# every click above every miss give 0.5, a coin's; with n_thresholds=1000 they give more than .99.
# Matters: probabilities of a click or an order are that low. A good model looks useless, and the better calibrated it
# is the worse it looks.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check river==0.26.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from river import metrics

areas = {}
for thresholds in (10, 1000):
    area = metrics.ROCAUC(n_thresholds=thresholds)
    for place in range(1000):
        area.update(place >= 900, 0.001 + 0.08 * place / 1000)
    areas[thresholds] = float(area.get())
print("river", version("river"), "area by number of thresholds:", areas)
assert metrics.ROCAUC().n_thresholds == 10
assert areas[10] == 0.5 and areas[1000] > 0.99, areas
PYTHON
