"""The study's own models, refitted thousands of times: permuted outcomes, folds, splits, bootstrap."""
