"""The engagement tier of a user."""
