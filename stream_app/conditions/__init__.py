"""Conditions, sequences and timers over one user, exact in event time: for audiences and triggers."""
