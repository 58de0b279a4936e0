"""The shells that read, call the core, write and commit."""
