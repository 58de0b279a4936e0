"""Shared by both runtimes: rows on disk, group commit, partitioning, timely exit."""
