"""Compiled kernels of the engine: arrays in, arrays out."""
