"""A small oblique DICOM series, and structure sets drawn on it."""

import contourpy
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
MR_IMAGE, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.481.3"


class Series:
    """A series on disk with the volume that it is.

    Parameters
    ----------
    folder : for the files.
    volume : its voxels, by phase.
    """

    def __init__(self, folder, phases=1, shape=(22, 18, 7)):
        self.folder = folder
        folder.mkdir()
        turn = np.deg2rad(25.0)
        affine = np.array([[-1.25, 0, 0, 31], [0, -1.25 * np.cos(turn), 3 * np.sin(turn), -17.5],
                           [0, 1.25 * np.sin(turn), 3 * np.cos(turn), 8], [0, 0, 0, 1]])  # fmt: skip
        rng = np.random.default_rng(6)
        self.volumes = [Volume(rng.integers(0, 900, shape).astype(np.int16), affine) for _ in range(phases)]
        self.volume, self.study, self.frame = self.volumes[0], generate_uid(), generate_uid()
        series = generate_uid()
        for number in range(phases * shape[2]):
            phase, k = divmod(number, shape[2])
            item = self.dataset(MR_IMAGE)
            lps = LPS @ affine
            item.ImagePositionPatient = [round(float(v), 6) for v in (lps @ [0, 0, k, 1])[:3]]
            item.ImageOrientationPatient = [float(v) for v in np.round(lps[:3, [0, 1]].T / 1.25, 9).ravel()]
            item.PixelSpacing, item.SliceThickness = [1.25, 1.25], 3.0
            item.SeriesInstanceUID, item.InstanceNumber, item.Modality = series, number + 1, "MR"
            item.Rows, item.Columns = shape[1], shape[0]
            item.BitsAllocated = item.BitsStored = 16
            item.HighBit, item.PixelRepresentation, item.SamplesPerPixel = 15, 1, 1
            item.PhotometricInterpretation = "MONOCHROME2"
            item.PixelData = self.volumes[phase].voxels[:, :, k].T.astype("<i2").tobytes()
            item.save_as(folder / f"{(number * 5) % (phases * shape[2]):03d}.dcm", enforce_file_format=True)

    def dataset(self, kind):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        item.SOPClassUID, item.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
        item.PatientID, item.PatientName, item.PatientBirthDate, item.PatientSex = "P1", "Phantom", "", "F"
        item.StudyInstanceUID, item.StudyID, item.StudyDate, item.StudyTime = self.study, "1", "20200101", "120000"
        item.AccessionNumber, item.ReferringPhysicianName = "", ""
        item.FrameOfReferenceUID, item.SeriesNumber = self.frame, 3
        return item

    def roi(self, seed=3):
        """A mask with a hole, two pieces and an empty slice between."""
        shape = self.volume.voxels.shape
        i, j, k = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij")
        mask = ((i - 8) ** 2 + (j - 8) ** 2 < 30) & (k > 0) & (k < 6) & (k != 4)
        mask &= (i - 8) ** 2 + (j - 7) ** 2 > 3
        mask |= (i > 16) & (i < 20) & (j > 3) & (j < 14) & (k == 2)
        mask ^= (np.random.default_rng(seed).random(shape) > 0.97) & (k == 3)
        return Roi(mask, self.volume.affine, "mass")

    def draw(self, file, rois, kind="CLOSED_PLANAR"):
        """Write masks as a structure set: contours half-way between the centres inside and those outside."""
        item = self.dataset(RTSTRUCT)
        item.Modality, item.SeriesInstanceUID = "RTSTRUCT", generate_uid()
        item.StructureSetROISequence, item.ROIContourSequence = Sequence(), Sequence()
        for number, roi in enumerate(rois, 1):
            described, drawn = Dataset(), Dataset()
            described.ROINumber, described.ROIName = number, roi.label
            drawn.ReferencedROINumber, drawn.ContourSequence = number, Sequence()
            for k in range(roi.mask.shape[2]):
                padded = np.pad(roi.mask[:, :, k].astype(float), 1)
                for line in contourpy.contour_generator(z=padded.T).lines(0.5):
                    points = np.column_stack([line - 1, np.full(len(line), k), np.ones(len(line))])[:-1]
                    contour = Dataset()
                    contour.ContourGeometricType = kind
                    placed = np.round((points @ (LPS @ roi.affine).T)[:, :3], 3)
                    contour.NumberOfContourPoints, contour.ContourData = len(points), placed.ravel().tolist()
                    drawn.ContourSequence.append(contour)
            item.StructureSetROISequence.append(described)
            item.ROIContourSequence.append(drawn)
        item.save_as(file, enforce_file_format=True)
        return file


@pytest.fixture
def series(tmp_path):
    return Series(tmp_path / "series")


@pytest.fixture
def phases(tmp_path):
    return Series(tmp_path / "phases", phases=3)


@pytest.fixture
def read_dicom():
    return pydicom.dcmread
