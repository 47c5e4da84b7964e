"""Numbers become a model."""
