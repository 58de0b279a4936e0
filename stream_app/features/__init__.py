"""What is known about one user: the row, its windows, sessions and interests, and its features."""
