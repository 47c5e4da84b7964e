"""A lesion becomes numbers."""
