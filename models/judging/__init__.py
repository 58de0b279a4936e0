"""How good a model is: scores, baselines, and evaluation on unseen data."""
