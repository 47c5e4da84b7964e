"""Processors that a test can pretend to have: environments for processes of their own, and what such a process does."""
