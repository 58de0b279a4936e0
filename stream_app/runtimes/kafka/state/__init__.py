"""A partition's state: its changelog, the local database that follows it, and the right to write to it."""
