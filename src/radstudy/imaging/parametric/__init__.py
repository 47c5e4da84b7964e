"""Functional maps and measures from series of images: diffusion, contrast enhancement, size, motion."""
