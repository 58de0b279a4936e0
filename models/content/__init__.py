"""The engagement score of content: how many of an item's starters complete it."""
