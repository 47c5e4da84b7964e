"""Compiled loops of the statistics: NumPy and numba only."""
