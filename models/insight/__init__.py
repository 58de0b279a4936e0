"""What a model and its examples say about users: groups, drivers, and what would change a score."""
