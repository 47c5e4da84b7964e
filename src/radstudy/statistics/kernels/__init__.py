"""Compiled kernels of the statistics: NumPy and numba only."""
