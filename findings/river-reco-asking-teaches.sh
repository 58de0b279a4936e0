#!/usr/bin/env bash
# river 0.26.1: asking a recommender about somebody unknown makes a row for them, and changes what others are told.
# Guess: predict_one() reads; only learn_one() changes the model.
# Seen: a thousand predictions for unknown users leave a thousand biases and vectors in BiasedMF. Their random
# beginnings come from the same generator as everybody's, so a user who is learned afterwards is predicted
# differently.
# Matters: visitors that never return, and bots, fill the memory without one event learned; a replay that asks other
# questions ends in another model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check river==0.26.1
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from river import reco

models = {}
for asked in (0, 1000):
    model = models[asked] = reco.BiasedMF(seed=1)
    for number in range(asked):
        model.predict_one(user=f"visitor-{number}", item="shoe")
    model.learn_one(user="person", item="shoe", y=1.0)
rows = {asked: len(model.u_latents) for asked, model in models.items()}
answers = {asked: model.predict_one(user="person", item="shoe") for asked, model in models.items()}
print("river", version("river"), "users held:", rows, "| the same user's prediction:", answers)
assert rows == {0: 1, 1000: 1001}, rows
assert answers[0] != answers[1000], answers
PYTHON
