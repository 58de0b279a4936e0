"""The read API: what is known of users, items and models, over HTTP."""
