"""Connects the core and the models: ports, labelled examples, and the moments they come from."""
