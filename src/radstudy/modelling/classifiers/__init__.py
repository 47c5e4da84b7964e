"""What ends a model: scikit-learn classifiers of two classes."""
