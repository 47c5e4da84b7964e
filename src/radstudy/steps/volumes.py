"""The study's image files, each with all the masks that are drawn on it: what a step reads at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.cohort.case_files import Case, Transfer
from radstudy.errors import CaseError
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.store import content_hash, file_hash

LabelRule = Label | None  # "lesion" is the label that the row's lesion number names


@dataclass(frozen=True)
class Drawing:
    """One reader's mask of one lesion.

    Parameters
    ----------
    patient, lesion, reader : whose mask of what.
    mask : its file.
    transfer : where it was drawn, if not on this image.
    """

    patient: str
    lesion: str
    reader: str
    mask: Path
    transfer: Transfer | None = None

    def files_hash(self) -> list[Any]:
        """Hashes of the files that the mask is made from."""
        drawn_on = None if self.transfer is None else [self.transfer.sequence, _hash(self.transfer.image)]
        return [self.patient, self.lesion, self.reader, _hash(self.mask), drawn_on]

    def label(self, rule: LabelRule) -> Label | None:
        """Which part of the mask is this lesion, by the study file's rule."""
        if rule != "lesion":
            return rule
        if not self.lesion.isdigit():
            raise CaseError(
                f"the lesion's number '{self.lesion}' is not a label's", "number lesions as the labels in the masks are"
            )
        return int(self.lesion)

    def roi_on(self, volume: Volume, rule: LabelRule) -> Roi:
        """The mask on the prepared image's grid.

        Raises
        ------
        CaseError : it cannot be read, has no such label, or lies on another grid.
        """
        label = self.label(rule) if self.transfer is None else None  # a carried mask has one label
        return Roi.read(self.mask, label, volume, reader=self.reader)


@dataclass(frozen=True)
class VolumeTask:
    """One image file with all the masks drawn on it: it is read once for all of them.

    Parameters
    ----------
    image, sequence : the file and its role.
    drawings : the masks, the first reader's first.
    name : of the volume's files in the steps' folders.
    reference : mask of the reference tissue, where the preparation needs one.
    """

    image: Path
    sequence: str
    drawings: tuple[Drawing, ...]
    name: str
    reference: Path | None = None

    @property
    def patient(self) -> str:
        """Whose image it is."""
        return self.drawings[0].patient

    def files_hash(self) -> str:
        """Hash of the image's and the masks' contents."""
        masks = [drawing.files_hash() for drawing in self.drawings]
        reference = _hash(self.reference) if self.reference else None
        return content_hash([self.sequence, _hash(self.image), masks, reference])

    def record_in(self, folder: Path) -> Path:
        """The file of a step's folder that keeps what the step has found of the volume."""
        return folder / "volumes" / f"{self.name}.json"

    def key(self, work: str, record: Mapping[str, Any]) -> str:
        """The key of what is computed of the prepared volume.

        Parameters
        ----------
        work : key of what is computed, and how.
        record : what the preparation has kept of the volume.
        """
        drawn = [[d.patient, d.lesion, d.reader] for d in self.drawings]  # a mask may be confirmed later
        return content_hash([work, record["key"], drawn])


def volume_tasks(cases: Sequence[Case], first_reader: str) -> list[VolumeTask]:
    """The cases grouped by image file (and by reference mask: another one prepares the image in another way)."""
    found: dict[tuple[Path, str, Path | None], list[Drawing]] = {}
    for case in cases:
        drawings = found.setdefault((case.image, case.sequence, case.reference), [])
        if case.transfer is not None:
            drawings.append(Drawing(case.patient, case.lesion, first_reader, case.transfer.mask, case.transfer))
        drawings += [Drawing(case.patient, case.lesion, reader, path) for reader, path in case.masks]
    return [
        VolumeTask(
            image, sequence, tuple(drawings), f"{drawings[0].patient}_{drawings[0].lesion}_{sequence}", reference
        )
        for (image, sequence, reference), drawings in found.items()
    ]


def _hash(file: Path) -> str:
    """A file's hash; of one that cannot be read the reason, so that it is tried again once it can."""
    try:
        return file_hash(file)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
