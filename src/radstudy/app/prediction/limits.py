"""Bounds of the service: sizes, waiting requests and seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from radstudy import bounds


@dataclass(frozen=True)
class ServiceLimits:
    """Sizes, numbers and seconds that one server takes.

    Parameters
    ----------
    file_bytes : of one uploaded file.
    request_bytes : of a request with files.
    values_bytes : of a request with values alone.
    files : in one request.
    waiting : requests with images that wait for the one that is worked on.
    upload_s : seconds until a whole request has arrived.
    work_s : seconds for the images of one request, from when they are begun.
    discarded_bytes : of a refused request that are still received, so that a browser gets the answer.
    """

    file_bytes: int = field(default_factory=lambda: bounds.UPLOADED_FILE.most)
    request_bytes: int = field(default_factory=lambda: bounds.UPLOAD.most)
    values_bytes: int = 1 << 20
    files: int = 60
    waiting: int = 8
    upload_s: float = 120.0
    work_s: float = 120.0
    discarded_bytes: int = 32 << 20

    @property
    def field_bytes(self) -> int:
        """Bytes of one field that is not a file."""
        return 2_000

    @property
    def fields(self) -> int:
        """Number of fields that are not files."""
        return 200
