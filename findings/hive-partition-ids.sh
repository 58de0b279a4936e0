#!/usr/bin/env bash
# pyarrow 26.0.1 and polars 2.1.0: ids in the folder names of a partitioned data set become numbers; DuckDB keeps them.
# Guess: what a folder is called is text; in doubt, all readers of this common layout agree.
# Seen: user=007 and user=7 are read as the number 7 twice, by both. With a third folder user=1e3, polars makes
# decimals of all (7.0, 1000.0) and pyarrow text ("007", "7", "1e3"). DuckDB keeps "007" and "7".
# Matters: an export by user or by site joins two people's rows, and the type of the column depends on who else is in
# it, so it changes from one day's export to the next.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def read(*users):
    with tempfile.TemporaryDirectory() as folder:
        for user in users:
            Path(folder, f"user={user}").mkdir()
            pq.write_table(pa.table({"clicks": [1]}), f"{folder}/user={user}/rows.parquet")
        files = f"{folder}/**/*.parquet"
        return {
            "pyarrow": ds.dataset(folder, partitioning="hive").to_table().column("user").to_pylist(),
            "polars": pl.read_parquet(files, hive_partitioning=True)["user"].to_list(),
            "duckdb": [user for (user,) in duckdb.sql(f"select user from read_parquet('{files}')").fetchall()],
        }


print({name: version(name) for name in ("pyarrow", "polars", "duckdb")})
two, three = read("007", "7"), read("007", "7", "1e3")
print("007, 7:     ", two)
print("007, 7, 1e3:", three)
assert two["pyarrow"] == two["polars"] == [7, 7]
assert sorted(two["duckdb"]) == ["007", "7"]
assert sorted(three["pyarrow"]) == ["007", "1e3", "7"]
assert sorted(three["polars"]) == [7.0, 7.0, 1000.0]
PYTHON
