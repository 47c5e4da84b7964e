"""Is this computer fit: versions, cores, memory, disk, kernel cache, permissions, browser, and a short self-test."""

from radstudy.doctor.checks import Check, examined, is_fit, quickly_examined

__all__ = ["Check", "examined", "is_fit", "quickly_examined"]
