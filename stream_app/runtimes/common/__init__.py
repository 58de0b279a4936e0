"""What both runtimes share: rows on disk, group commit, partitioning, leaving in time."""
