"""Assessment of fitted models."""
