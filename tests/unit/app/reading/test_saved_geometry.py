"""Masks of the room, opened by other programs: SimpleITK, highdicom and slicerio find them where the image is."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.app.reading.closed_case import DrawnSequence
from radstudy.app.reading.export import write_record
from radstudy.app.reading.strokes import runs_of
from radstudy.app.web.needs import CaseAddress, SentAnswers, SentStroke
from radstudy.app.web.of_study import behind_of
from radstudy.formats.raster import read_grid
from radstudy.protocol.load import parse_protocol
from unit.app.reading.recorded import STUDY, Room
from unit.imaging.masks.conftest import Series

SHAPE = (12, 9, 6)
CORNER = np.array([31.25, -17.5, 8.125])


def turned(spacing, degrees):
    """An axial affine, turned about the patient's left-right and head-feet axes."""
    a, b = np.deg2rad(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag([-1, -1, 1]) @ np.diag(spacing)
    affine[:3, 3] = CORNER
    return affine


GRIDS = {
    "axial 1.06 x 1.06 x 4": turned((1.06, 1.06, 4), (0, 0)),
    "axial 2.7 x 2.7 x 4": turned((2.7, 2.7, 4), (0, 0)),
    "oblique": turned((1.06, 1.06, 4), (17.3, 8.9)),
}


def a_mask():
    mask = np.zeros(SHAPE, bool)
    mask[3:8, 2:6, 1:4] = True
    mask[8, 3, 2] = True
    return mask


def codes_of(mask):
    """All voxels drawn with the contour."""
    return mask.ravel(order="F").astype(np.uint8)


def written(tmp_path, affine, suffix):
    """The file of the image and that of a mask drawn on it."""
    room = Room(tmp_path)
    room.protocol = parse_protocol(STUDY.replace('_{reader}.nii.gz"', f'_{{reader}}{suffix}"'))
    image = room.file("P1", "T2")
    nib.save(nib.Nifti1Image(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), affine), image)
    drawn = DrawnSequence(sequence="T2", runs=runs_of(codes_of(a_mask())), image=image, grid=read_grid(image))
    case = room.masks("ana", "P1", {})
    write_record(room.state([type(case)(**{**vars(case), "drawn": (drawn,)})]))
    return image, tmp_path / "masks" / "P1" / f"T2_ana{suffix}"


@pytest.mark.parametrize("affine", GRIDS.values(), ids=GRIDS)
def test_simpleitk_reads_origin_spacing_direction_and_voxels_of_the_image(tmp_path, affine):
    image, file = written(tmp_path, affine, ".nii.gz")
    mask, reference = sitk.ReadImage(str(file)), sitk.ReadImage(str(image))
    assert mask.GetOrigin() == reference.GetOrigin()
    assert mask.GetSpacing() == reference.GetSpacing()
    assert mask.GetDirection() == reference.GetDirection()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask).T > 0, a_mask())
    for corner in ((0, 0, 0), (11, 8, 5)):
        place = np.array(mask.TransformContinuousIndexToPhysicalPoint([float(one) for one in corner]))
        np.testing.assert_allclose(place * [-1, -1, 1], (affine @ [*corner, 1])[:3], atol=1e-4)  # LPS to RAS


@pytest.mark.parametrize("affine", GRIDS.values(), ids=GRIDS)
def test_slicerio_reads_the_segment_at_the_images_place(tmp_path, affine):
    slicerio = pytest.importorskip("slicerio")
    _, file = written(tmp_path, affine, ".seg.nrrd")
    read = slicerio.read_segmentation(str(file))
    ijk_to_lps = np.asarray(read["ijkToLPS"])
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ ijk_to_lps, affine, atol=1e-4)
    (segment,) = read["segments"]
    found = np.asarray(read["voxels"]) == segment["labelValue"]
    np.testing.assert_array_equal(found, a_mask())


ROOM = """
study: from DICOM
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [ann]
sequences: [T2]
prepare: []
agree: {icc: null}
model: {select: [{impute: median}], models: {T2: [T2]}}
reading: {practice: 0, dicom: "dicom/{patient}/{sequence}"}
"""


def test_highdicom_reads_the_dicom_seg_that_closing_a_case_writes_beside_the_mask(tmp_path):
    hd = pytest.importorskip("highdicom")
    (tmp_path / "dicom" / "P1").mkdir(parents=True)
    (tmp_path / "images" / "P1").mkdir(parents=True)
    series = Series(tmp_path / "dicom" / "P1" / "T2")
    nib.save(nib.Nifti1Image(series.volume.voxels, series.volume.affine), tmp_path / "images" / "P1" / "T2.nii.gz")
    (tmp_path / "cohort.csv").write_text("id,y,set\nP1,1,training\n")
    room = behind_of(parse_protocol(ROOM), tmp_path, run=tmp_path / "run", database=tmp_path / "db").room
    try:
        case = CaseAddress("ann", "masks", room.worklist("ann", "masks")["next"])
        room.open_case(case, tab="t", take=False)
        mask = series.roi().mask
        room.stroke(case, "t", SentStroke("T2", 0, "contour", runs_of(codes_of(mask)), {}))
        said = {"visible": True, "evaluable": True, "reason": "", "quality": 4}
        room.save_answers(case, "t", SentAnswers(0, {}, {"T2": said}))
        room.close_case(case, "t")
    finally:
        room.shut()
    seg = hd.seg.segread(tmp_path / "masks" / "P1" / "T2_ann.dcm")
    volume = seg.get_volume(combine_segments=True)
    lps_to_ras = np.diag([-1, -1, 1, 1])
    places = np.argwhere(np.asarray(volume.array) > 0)
    ras = (lps_to_ras @ volume.affine @ np.c_[places, np.ones(len(places))].T).T[:, :3]
    expected = (series.volume.affine @ np.c_[np.argwhere(mask), np.ones(mask.sum())].T).T[:, :3]
    np.testing.assert_allclose(np.array(sorted(ras.round(3).tolist())), np.array(sorted(expected.round(3).tolist())),
                               atol=2e-3)  # fmt: skip
    assert (tmp_path / "masks" / "P1" / "T2_ann.nii.gz").exists()


@pytest.mark.parametrize("pattern", ["dicom/{patient}", "dicom/{patient}/{sequence}/{reader}", "dicom"])
def test_a_folder_that_several_sequences_share_is_refused(pattern):
    with pytest.raises(Exception, match="a folder of its own"):
        parse_protocol(ROOM.replace("dicom/{patient}/{sequence}", pattern))
