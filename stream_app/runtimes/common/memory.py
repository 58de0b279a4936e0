"""Garbage collection in a process that keeps many rows in memory."""

from __future__ import annotations

import gc

# Rows are trees of small lists without cycles. Scanning them after every 700 new objects, Python's default,
# costs a fifth of the whole step.
NEW_OBJECTS = 100_000
YOUNG_COLLECTIONS = 50
MIDDLE_COLLECTIONS = 100


def collect_seldom() -> None:
    """Treat everything loaded so far as permanent, and collect garbage rarely from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_COLLECTIONS, MIDDLE_COLLECTIONS)
