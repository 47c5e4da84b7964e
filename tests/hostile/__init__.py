"""Damaged and hostile inputs: each is read in a process of its own, which may crash, hang or swallow the memory."""
