"""Offline evaluation: how good the models are on history, and what is associated with an outcome."""
