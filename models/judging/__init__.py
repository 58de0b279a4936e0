"""How good a model is: scores, baselines, and evaluation on data that it has not seen."""
