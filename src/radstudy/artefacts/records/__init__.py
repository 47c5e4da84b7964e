"""Typed records that steps pass to one another; their keys on disk never change."""
