"""Thousands of refits of the study's own models: permuted outcomes, folds, splits, bootstrap."""
