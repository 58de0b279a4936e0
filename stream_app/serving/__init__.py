"""Ports to the outside over HTTP."""
