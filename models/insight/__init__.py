"""What a model and its examples say about people: groups, drivers, what would change a score."""
