"""Measurements inside a build's own process, run by that build's interpreter.

A driver of this checkout runs with the packages of another. So it imports nothing of the product directly,
but uses `names.py`, which knows where each part is in each layout.
"""
