"""Functional maps and figures from series of images: diffusion, contrast enhancement, size, motion."""
