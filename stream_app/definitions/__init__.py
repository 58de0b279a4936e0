"""What a company says of itself in a file: its own features and audiences, checked before they act."""
