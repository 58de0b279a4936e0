"""The contracts: events in, decisions out, the topics that carry them."""
