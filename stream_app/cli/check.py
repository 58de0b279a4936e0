"""`check`: whether everything in a folder is still as it was written."""

from __future__ import annotations

from pathlib import Path

from stream_app.cli.options import DataDir, console
from stream_app.errors import StateError

DATABASE_MARK = "CURRENT"  # every RocksDB database has a file of this name


def check(data_dir: DataDir = Path("data")) -> None:
    """Check a data or state folder for damage, and say what to do about it.

    This verifies the checksum of every value in the SQLite file and the consistency of its pages, and reads
    all blocks of every RocksDB database. No process may be filling the folder at the same time.
    """
    findings, looked_at = find_all(data_dir)
    for finding in findings:
        console.print(finding, markup=False, highlight=False, soft_wrap=True)
    if findings:
        raise StateError(f"{len(findings)} findings in {data_dir}: {_advice(data_dir)}")
    console.print(f"{looked_at} databases in {data_dir} are as they were written", highlight=False)


def find_all(folder: Path) -> tuple[list[str], int]:
    """Descriptions of what is wrong with a folder, and the number of databases checked.

    Raises:
        StateError: it has none.
    """
    from stream_app.runtimes.common.row_store import find_damage
    from stream_app.runtimes.embedded.output_table import FILE_NAME
    from stream_app.runtimes.embedded.store import Store

    databases = sorted(path.parent for path in folder.rglob(DATABASE_MARK))
    damages = [(database, find_damage(database)) for database in databases]
    findings = [f"{database}: {damage}" for database, damage in damages if damage is not None]
    is_embedded = (folder / FILE_NAME).exists()
    if is_embedded:
        try:
            with Store(folder, read_only=True) as store:
                findings += store.findings()
        except StateError as error:
            findings.append(str(error))
    if not databases and not is_embedded:
        raise StateError(f"{folder} holds no data: name a data folder, or the state folder of a worker")
    return findings, len(databases) + is_embedded


def _advice(folder: Path) -> str:
    from stream_app.runtimes.embedded.output_table import FILE_NAME

    if (folder / FILE_NAME).exists():
        return "restore the whole folder from a backup, or replay the events into an empty one"
    return "stop the worker and delete the folder; the next start rebuilds it from the changelog"
