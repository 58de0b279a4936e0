#!/usr/bin/env bash
# pyarrow 26.0.1: read_json makes times of ISO text by itself, and loses their zone.
# Guess: text in quotes stays text; if it becomes a time, one with an offset becomes one with a zone.
# Seen: "10:00+02:00" and "10:00" (no zone, somebody's local time) of one column become times without a zone, 08:00
# and 10:00. One value with milliseconds leaves the whole column text.
# Matters: instants and local times are mixed for good, and compared as if they were one kind; and the type of a
# column changes with the first client that sends milliseconds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import json
from importlib.metadata import version

import pyarrow as pa
import pyarrow.json


def read(*times):
    lines = "".join(json.dumps({"at": time}) + "\n" for time in times)
    column = pyarrow.json.read_json(pa.BufferReader(lines.encode())).column("at")
    return str(column.type), [str(value) for value in column.to_pylist()]


print("pyarrow", version("pyarrow"))
mixed = read("2026-11-30T10:00:00+02:00", "2026-11-30T10:00:00")
finer = read("2026-11-30T10:00:00Z", "2026-11-30T10:00:00.500Z")
print("with and without an offset:", mixed)
print("one with milliseconds:     ", finer)
assert mixed == ("timestamp[s]", ["2026-11-30 08:00:00", "2026-11-30 10:00:00"]), mixed
assert finer[0] == "string", finer
PYTHON
