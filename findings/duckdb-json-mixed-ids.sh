#!/usr/bin/env bash
# DuckDB 2.0.1: in a column of JSON ids that are partly numbers, the ids that are text compare with their quotes.
# Guess: 42 and "42" both become the text 42, or the file is refused; in any case user_id = '42' finds the text "42".
# Seen: the column's type becomes JSON. user_id = '42' finds the number and not the text, user_id = 'ann' ends in
# "Malformed JSON", cast to VARCHAR the text is "42" with its quotes, and a count by user has two of them.
# Matters: one SDK that sends a number now and then hides the same person's other events from a query that worked on
# the day before; with digits for ids there is no error, only fewer rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb

QUERIES = (
    "select any_value(typeof(user_id)) from events",
    "select count(*) from events where user_id = '42'",
    "select user_id::varchar, count(*) from events group by 1 order by 1",
)
print("duckdb", version("duckdb"))
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder, "events.jsonl")
    found = {}
    for name, ids in {"text": ('"42"', '"42"', '"ann"'), "one number": ("42", '"42"', '"ann"')}.items():
        file.write_text("".join(f'{{"user_id": {user}}}\n' for user in ids))
        duckdb.sql(f"create or replace view events as from '{file}'")
        found[name] = [duckdb.sql(query).fetchall() for query in QUERIES]
        print(f"{name}:", found[name])
    assert found["text"] == [[("VARCHAR",)], [(2,)], [("42", 2), ("ann", 1)]]
    assert found["one number"] == [[("JSON",)], [(1,)], [('"42"', 1), ('"ann"', 1), ("42", 1)]]
    try:
        duckdb.sql("from events where user_id = 'ann'").fetchall()
    except duckdb.ConversionException as error:
        print("where user_id = 'ann':", str(error).splitlines()[0])
    else:
        raise AssertionError("user_id = 'ann' is answered")
PYTHON
