"""A fitted model as plain JSON, and its use on the next patient."""
