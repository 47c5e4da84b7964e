"""Compiled kernels: arrays in, arrays out; NumPy and numba only."""
