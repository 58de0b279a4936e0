"""Judging offline: what the models are worth on history, and what goes with an outcome."""
