"""What learns: classifiers, regressors and recommenders, one family a folder."""
