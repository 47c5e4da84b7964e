"""A full disk without filling one."""

import resource
from contextlib import contextmanager


@contextmanager
def full_at(size):
    """Files cannot grow beyond `size` bytes: what a writer sees of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
