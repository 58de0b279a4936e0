"""A recorded stream through a build's embedded runtime, models frozen: what came out, in one form."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from baseline.frozen import FeatureNames, Find, FrozenModels

# The wall clock stands still, after all events of the streams.
NOW = 1_900_000_000.0
PARTITIONS = 2


def replay_stream(find: Find, folder: Path, stream: Iterable[Any], names: FeatureNames) -> list[bytes]:
    """Replay entries (see `README.md`) into a data folder, new or old, and return what came out of them.

    Outputs are canonical JSON, sorted.
    """
    with find("Store")(folder) as store:
        held = sum(store.output_counts().values())
        models, rules, metrics = FrozenModels(find, names), find("Rules")(), find("Metrics")()
        replay = find("Replay")(store, models, rules, metrics, lambda: NOW, PARTITIONS)
        for number, part in enumerate(_parts(stream)):
            if isinstance(part, dict):
                replay.erase(find("PrivacyRequest").model_validate(part))
            else:
                replay.run(find("RecordedSource")(part, f"part {number}", is_live=True), lambda *_: None)
        replay.close_idle()  # what `finish` does besides, dc90abe did not: all users are scored again
        return sorted(map(canonical, list(store.outputs())[held:]))


def canonical(output: bytes) -> bytes:
    """The one form of a JSON text: names sorted, no spaces."""
    return orjson.dumps(orjson.loads(output), option=orjson.OPT_SORT_KEYS)


def _parts(stream: Iterable[Any]) -> Iterator[list[bytes] | dict[str, Any]]:
    """Values between two erasures, and the erasures."""
    values: list[bytes] = []
    for entry in stream:
        if isinstance(entry, dict):
            yield values
            yield entry["erase"]
            values = []
        else:
            values.append(entry)
    yield values
