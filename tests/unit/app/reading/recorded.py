"""Closed cases of a small study, as storage would hand them over."""

import nibabel as nib
import numpy as np
import pytest

from radstudy.app.reading.arbitration import FinalValue
from radstudy.app.reading.audit import AuditLine
from radstudy.app.reading.closed_case import ClosedCase, DrawnSequence
from radstudy.app.reading.export import ReadingState
from radstudy.app.reading.forms import SequenceAnswer
from radstudy.app.reading.strokes import codes_of, runs_of
from radstudy.app.reading.summary import ReadingSettings
from radstudy.protocol.load import parse_protocol
from radstudy.space.grid import Grid

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [ana, ben]
  clinical:
    margin: {levels: [smooth, rough], table: imaging}
    size: {unit: cm, table: imaging}
sequences: [T2, DWI]
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""
SHAPE = (7, 6, 5)
SETTINGS = ReadingSettings("prepared", 28, {"margin": ("smooth", "rough"), "size": None, "likelihood": None})


def oblique():
    """An affine with a turned plane and coordinates that float32 cannot hold exactly."""
    turn = np.deg2rad(17.3)
    return np.array([[-1.06 * np.cos(turn), 0, 4 * np.sin(turn), 31.1234567],
                       [0, -1.06, 0, -17.7654321],
                       [1.06 * np.sin(turn), 0, 4 * np.cos(turn), 8.1],
                       [0, 0, 0, 1]])  # fmt: skip


class Room:
    """A study folder with images, from which closed cases are made.

    Parameters
    ----------
    data : the study's folder.
    """

    def __init__(self, data):
        self.data, self.protocol = data, parse_protocol(STUDY)
        for patient in ("P1", "P2", "P3", "P4"):
            for sequence in ("T2", "DWI"):
                self.image(patient, sequence)

    def file(self, patient, sequence):
        return self.data / "images" / patient / f"{sequence}.nii.gz"

    def image(self, patient, sequence):
        file = self.file(patient, sequence)
        file.parent.mkdir(parents=True, exist_ok=True)
        voxels = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
        image = nib.Nifti1Image(voxels, oblique())
        image.header["descrip"] = b"MUSTERMANN^ERIKA"
        image.header.set_slope_inter(2, 5)
        image.header.set_xyzt_units("mm", "sec")
        nib.save(image, file)

    def drawn(self, patient, sequence, mask, code=1, displays=()):
        grid = Grid(SHAPE, nib.load(self.file(patient, sequence)).affine)
        runs = runs_of(codes_of(mask, code))
        return DrawnSequence(
            sequence=sequence, runs=runs, displays=displays, image=self.file(patient, sequence), grid=grid
        )

    def masks(self, reader, patient, masks, lesion="1", **more):
        """A closed case of drawing: sequence to mask."""
        drawn = tuple(self.drawn(patient, name, mask) for name, mask in masks.items())
        said = {name: SequenceAnswer(True, True, "", 4) for name in masks}
        return ClosedCase(reader, "masks", patient, lesion, drawn=drawn, **{"per_sequence": said, **more})

    def form(self, reader, patient, task="characteristics", lesion="1", **more):
        return ClosedCase(reader, task, patient, lesion, **more)

    def state(self, cases, **more):
        given = {
            "protocol": self.protocol, "data": self.data, "folder": self.data / "reading", "readers": ("ana", "ben"),
            "cases": cases, "settings": SETTINGS, "finals": {},
            "audit": [AuditLine("2026-01-01T10:00:00+00:00", "ana", "closed", "masks", "P1", "1", "", "=1+1")],
        }  # fmt: skip
        return ReadingState(**{**given, **more})

    def final(self, value, source="agreed"):
        return FinalValue(value, source)


def block(*corner, size=(3, 2, 2)):
    """A mask of one block."""
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(first, first + length) for first, length in zip(corner, size, strict=True))] = True
    return mask


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)
