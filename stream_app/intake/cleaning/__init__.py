"""Interprets the free text of events: user agents, URLs, referrers, campaigns and search terms."""
