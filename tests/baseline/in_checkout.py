"""What of the baseline is made within the process of the checkout that it is made by (`make.py` starts this).

argv: the folder that `drivers` lies in, and the working folder. It holds `later.jsonl`,
`stream-events.jsonl`, the data folder `data` and `changelog.jsonl.gz`; what is made is written beside them.
"""

import importlib
import shutil
import sys
from pathlib import Path
from random import Random
from typing import Any

import orjson
from baseline.changelog import features_of, rows_of
from baseline.files import entry_line, read_lines, read_record, write_lines
from baseline.frozen import FeatureNames, Find
from baseline.recording import replay_stream

ODD_EVENTS = 700
ODD_USERS = 6
LARGEST = 5_000
ERASED_AFTER = 0.6


def main(drivers: str, work: Path) -> None:
    sys.path.append(drivers)
    find: Find = importlib.import_module("drivers.names").find
    stream = _stream(find, (work / "stream-events.jsonl").read_bytes().splitlines())
    later: list[Any] = (work / "later.jsonl").read_bytes().splitlines()
    names = FeatureNames()
    outputs = replay_stream(find, work / "fresh", stream, names)
    went_on = work / "went-on"
    shutil.copytree(work / "data", went_on)
    later_outputs = replay_stream(find, went_on, later, names)
    write_lines(work / "stream.jsonl.gz", map(entry_line, stream))
    write_lines(work / "stream-outputs.jsonl.gz", outputs)
    write_lines(work / "later.jsonl.gz", map(entry_line, later))
    write_lines(work / "later-outputs.jsonl.gz", later_outputs)
    write_lines(work / "feature-names.jsonl.gz", map(orjson.dumps, sorted(names.seen)))
    with find("Store")(work / "data", read_only=True) as store:
        stored = [(user_key, row) for _, user_key, row in store.rows()]
        write_lines(work / "data-folder-features.jsonl.gz", map(orjson.dumps, features_of(find, stored)))
    changed = rows_of(find, map(read_record, read_lines(work / "changelog.jsonl.gz")))
    features = features_of(find, changed.items())
    write_lines(work / "changelog-features.jsonl.gz", map(orjson.dumps, features))


def _stream(find: Find, simulated: list[bytes]) -> list[bytes | dict[str, Any]]:
    """Odd events first (they are older): late, repeated and broken ones; then people, one of them erased."""
    odd = [
        value for value in find("random_events")(Random(5), ODD_EVENTS, ODD_USERS) if len(value) <= LARGEST
    ]
    middle = int(len(simulated) * ERASED_AFTER)
    users = [orjson.loads(value).get("userId") for value in simulated[:middle]]
    erased = max(sorted(set(filter(None, users))), key=users.count)
    at = orjson.loads(simulated[middle])["receivedAt"]
    request = {"request_id": "erasure-1", "user_id": erased, "requested_at": at}
    return [*odd, *simulated[:middle], {"erase": request}, *simulated[middle:]]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
