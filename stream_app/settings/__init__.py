"""The operators' settings, and the rules derived from them."""
