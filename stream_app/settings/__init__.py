"""What operators set, and the rules that follow from it."""
