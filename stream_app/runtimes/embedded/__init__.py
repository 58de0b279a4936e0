"""The embedded runtime: one machine, one SQLite file, no broker."""
