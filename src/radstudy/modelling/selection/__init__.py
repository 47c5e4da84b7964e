"""What chooses features: scikit-learn transformers that say what they dropped and why."""
