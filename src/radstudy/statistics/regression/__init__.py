"""Logistic regression: maximum likelihood and Firth's, their limits and tests."""
