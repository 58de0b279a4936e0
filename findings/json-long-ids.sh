#!/usr/bin/env bash
# orjson 3.13.0, DuckDB 2.0.1, pyarrow 26.0.1: whole numbers beyond 64 bits are rounded while they are read.
# Guess: a whole number in JSON is read exactly, as Python's json and msgspec do it, or refused, as orjson does when
# it writes one.
# Seen: orjson.loads() gives a float, so 98765432109876543210 and ...211 are one id; so do read_json of DuckDB and
# pyarrow. orjson refuses to write the whole number that it did not read as one.
# Matters: ids of 20 digits (receipts, devices, ad clicks) sent as numbers: two users become one, two orders a
# duplicate.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check orjson==3.13.0 msgspec==0.22.0 \
    duckdb==2.0.1 pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb
import msgspec
import orjson
import pyarrow.json

lines = ['{"id": 98765432109876543210}', '{"id": 98765432109876543211}']
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "events.jsonl")
    file.write_text("\n".join(lines) + "\n")
    ids = {
        "json": [json.loads(line)["id"] for line in lines],
        "msgspec": [msgspec.json.decode(line)["id"] for line in lines],
        "orjson": [orjson.loads(line)["id"] for line in lines],
        "duckdb": [value for (value,) in duckdb.sql(f"select id from '{file}'").fetchall()],
        "pyarrow": pyarrow.json.read_json(file).column("id").to_pylist(),
    }
print({name: version(name) for name in ids if name != "json"}, *ids.items(), sep="\n")
assert {name: len(set(values)) for name, values in ids.items()} == {
    "json": 2, "msgspec": 2, "orjson": 1, "duckdb": 1, "pyarrow": 1
}
try:
    orjson.dumps(ids["json"][0])
except TypeError as error:
    print("orjson.dumps:", error)
else:
    raise AssertionError("orjson writes it")
PYTHON
