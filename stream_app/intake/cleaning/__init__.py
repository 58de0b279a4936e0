"""What the free texts of an event mean: agents, URLs, referrers, campaigns and search terms."""
