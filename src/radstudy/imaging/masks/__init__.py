"""Masks: reading of mask files onto an image's grid, transfer from one image to another, and writing."""
