"""Whom to notify, when, with what, and why not: pure decisions over a campaign file and what is known."""
