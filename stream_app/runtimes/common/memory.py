"""How a process that keeps many rows in memory is to look for unreachable objects."""

from __future__ import annotations

import gc

# Rows are trees of small lists and have no cycles: looking through all of them after every 700 new
# objects, as Python does by default, costs a fifth of the whole step.
NEW_OBJECTS = 100_000
YOUNG_COLLECTIONS = 50
MIDDLE_COLLECTIONS = 100


def collect_seldom() -> None:
    """Take what is loaded as there to stay, and look for unreachable objects seldom from here on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_COLLECTIONS, MIDDLE_COLLECTIONS)
