"""Groups of a data folder's users who behave alike."""

from __future__ import annotations

from typing import Any

from stream_app.definitions.file import NONE, Definitions
from stream_app.errors import StateError
from stream_app.features.reading import read_features
from stream_app.models.insight.clusters import Cluster, UserClusters
from stream_app.runtimes.embedded.store import Store


def find_clusters(
    store: Store, count: int, top: int, seed: int = 0, definitions: Definitions = NONE
) -> tuple[int, list[Cluster]]:
    """How many users there are, and `count` groups of them with at most `top` traits each.

    Raises:
        StateError: there are fewer users than groups.
    """
    groups = UserClusters(count, seed=seed)
    for _, _, row in store.rows():
        if not row.merged_into:  # an id whose history is its user's now
            groups.learn_many([read_features(row, row.last_at, definitions=definitions)])
    groups.learn_waiting()
    found = groups.describe(top)
    if not found:
        raise StateError(f"the folder holds {groups.users_seen} users: {count} groups need as many or more")
    return groups.users_seen, found


def describe_clusters(users: int, found: list[Cluster]) -> dict[str, Any]:
    """Groups as they are given to machines."""
    clusters = [
        {**cluster._asdict(), "traits": [trait._asdict() for trait in cluster.traits]} for cluster in found
    ]
    return {"users": users, "clusters": clusters}
