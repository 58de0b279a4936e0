"""The pure core: events and state in, new state and outputs out."""
