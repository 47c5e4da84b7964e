"""Logistic regression by maximum likelihood and by Firth's method, with intervals and tests."""
