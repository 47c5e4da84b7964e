"""Masks: any file to a mask on its image's grid, from one image to another, and back to files."""
