"""The pages: what the API knows, for people to look at. Rendered here, and complete without a script."""
