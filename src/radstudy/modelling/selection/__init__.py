"""Selection of features: scikit-learn transformers that record what they dropped and why."""
