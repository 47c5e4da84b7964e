"""Scanner and acquisition of the study's images, as their import recorded them."""

from __future__ import annotations

from typing import Any

from radstudy.formats.acquisition import acquisition_of
from radstudy.steps.cohort import cases_in
from radstudy.steps.run import Run


def acquisitions(run: Run) -> list[dict[str, Any]]:
    """The scanner and acquisition of every image of the study that an import has written, each image once."""
    if run.protocol.features is not None:
        return []
    images = {(case.patient, case.sequence, case.image) for case in cases_in(run.out)}
    rows = [acquisition_of(image, patient=patient, sequence=name) for patient, name, image in sorted(images)]
    return [row.as_json() for row in rows if row is not None]
