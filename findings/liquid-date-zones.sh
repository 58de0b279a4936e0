#!/usr/bin/env bash
# python-liquid 2.3.6: the same instant is printed in the machine's zone or in UTC, depending on how it is written.
# Guess: the date filter has one zone for all inputs, UTC or a set one.
# Seen: 1796081400 is printed as 18:30 in New York's zone; "2026-11-30T23:30:00Z", the same instant, as 23:30.
# Matters: a template that says "your basket is kept until …" gives another hour, and near midnight another day, for
# the same time in a row of numbers and in a row of text; on a laptop and on a server in UTC the test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-liquid==2.3.6
"$folder/venv/bin/python" - <<'PYTHON'
import os
import time
from importlib.metadata import version

from liquid import Environment

os.environ["TZ"] = "America/New_York"
time.tzset()
template = Environment().from_string("{{ at | date: '%F %H:%M' }}")
hours = {at: template.render(at=at) for at in (1796081400, "2026-11-30T23:30:00Z")}
print("python-liquid", version("python-liquid"), hours)
assert hours == {1796081400: "2026-11-30 18:30", "2026-11-30T23:30:00Z": "2026-11-30 23:30"}, hours
PYTHON
