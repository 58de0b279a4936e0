"""A changelog's rows as a build reads them, and the features of rows."""

from collections.abc import Iterable, Iterator
from typing import Any

from aiokafka import ConsumerRecord
from baseline.frozen import Find
from baseline.recording import NOW


def rows_of(find: Find, records: Iterable[ConsumerRecord]) -> dict[str, Any]:
    """The newest row of each user, records of lost claims passed over as at a recovery."""
    prefix, decode_row = find("USER_PREFIX"), find("decode_row")
    newest = {record.key: record.value for record in find("rows_that_count")(records)}
    return {
        key.removeprefix(prefix).decode(): decode_row(value)
        for key, value in newest.items()
        if key.startswith(prefix) and value is not None
    }


def metas_of(find: Find, records: Iterable[ConsumerRecord]) -> dict[int, bytes]:
    """What each partition knows of itself."""
    counted = find("rows_that_count")(records)
    return {record.partition: record.value for record in counted if record.key == find("META_KEY")}


def features_of(find: Find, rows: Iterable[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each user's features, all at one time; a row that only points to another has none."""
    for user_key, row in sorted(rows, key=lambda entry: entry[0]):
        yield {"user_key": user_key, "features": dict(find("read_features")(row, NOW))}
