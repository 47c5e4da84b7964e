"""Classifiers at the end of a model: scikit-learn estimators of two classes."""
