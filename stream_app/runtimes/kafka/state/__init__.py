"""A partition's state: its changelog, the local database that follows it, and who may write to it."""
