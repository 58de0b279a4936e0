"""What is known of one user: the row, its windows, sessions and interests, and the features read from it."""
