"""What is measured inside a build's own process: run by that build's interpreter, whichever build it is.

A driver of this checkout runs on the packages of another. So it imports nothing of the product by name, but
asks `names.py`, which knows where each part lies in each layout.
"""
