"""One mask in every format is one mask; a study takes any of them."""

import copy

import highdicom as hd
import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CaseError, UsageError
from radstudy.imaging.masks.placing import place_mask
from radstudy.imaging.masks.write import write_rois
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.study import run
from unit.imaging.masks.conftest import Series


def written(series, tmp_path, roi):
    files = {suffix: tmp_path / f"m.{suffix}" for suffix in ("nii.gz", "nrrd", "seg.nrrd", "dcm")}
    for file in files.values():
        roi.write(file, dicom=series.folder)
    return {**files, "rtstruct": series.draw(tmp_path / "contours.dcm", [roi])}


def test_one_mask_comes_back_as_the_same_voxels_from_every_format(series, tmp_path):
    roi = series.roi()
    for kind, file in written(series, tmp_path, roi).items():
        back = Roi.read(file, None, series.volume)
        np.testing.assert_array_equal(back.mask, roi.mask, err_msg=kind)
        np.testing.assert_array_equal(back.affine, series.volume.affine, err_msg=kind)
        assert back.label == ("1" if kind in ("nii.gz", "nrrd") else "mass")


@pytest.mark.parametrize("name", ["mask.seg", "mask", "mask.dcm.bak"])
def test_dicom_is_known_by_its_content_whatever_it_is_called(series, tmp_path, name):
    """ITK would read the bits of a segmentation as bytes, and memory that is not the file's after them."""
    roi = series.roi()
    roi.write(tmp_path / "m.dcm", dicom=series.folder)
    (tmp_path / "m.dcm").rename(tmp_path / name)
    np.testing.assert_array_equal(Roi.read(tmp_path / name, None, series.volume).mask, roi.mask)


def test_our_segmentation_passes_highdicoms_own_reading(series, tmp_path):
    roi, other = series.roi(), series.roi(5)
    write_rois(tmp_path / "m.dcm", [roi, Roi(other.mask, other.affine, "rim")], dicom=series.folder)
    seg = hd.seg.segread(tmp_path / "m.dcm")
    assert [item.segment_label for item in seg.SegmentSequence] == ["mass", "rim"]
    volume = seg.get_volume(combine_segments=False)
    lps = np.diag([-1, -1, 1, 1]) @ volume.affine @ [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    for index, mask in enumerate((roi.mask, other.mask)):
        theirs = Roi(volume.array[..., index].transpose(2, 1, 0) > 0, lps)
        assert theirs.mask.shape == mask.shape  # empty slices are there
        np.testing.assert_array_equal(place_mask(theirs, series.volume.grid).mask, mask)


def test_segments_keep_their_names_in_slicers_format(series, tmp_path):
    roi, other = series.roi(), series.roi(5)
    rois = [roi, Roi(other.mask, other.affine, "rim")]
    write_rois(tmp_path / "m.seg.nrrd", rois)
    for one in rois:
        np.testing.assert_array_equal(Roi.read(tmp_path / "m.seg.nrrd", one.label).mask, one.mask)
    with pytest.raises(CaseError, match="region 2 overlaps another one"):
        write_rois(tmp_path / "m.nii.gz", rois)


def test_a_series_of_several_volumes_asks_for_one(phases, tmp_path):
    with pytest.raises(CaseError, match="3 volumes of 7 slices"):
        phases.roi().write(tmp_path / "m.dcm", dicom=phases.folder)
    with pytest.raises(CaseError, match="no phase 4: the series holds 3"):
        phases.roi().write(tmp_path / "m.dcm", dicom=phases.folder, phase=4)
    phases.roi().write(tmp_path / "m.dcm", dicom=phases.folder, phase=2)
    np.testing.assert_array_equal(Roi.read(tmp_path / "m.dcm", None, phases.volume).mask, phases.roi().mask)
    seg = hd.seg.segread(tmp_path / "m.dcm")
    used = {item.ReferencedSOPInstanceUID for item in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert len(used) == 7


def test_a_series_that_lacks_a_slice_is_refused(series, tmp_path):
    files = sorted(series.folder.iterdir(), key=lambda file: hd.imread(file).InstanceNumber)
    files[3].unlink()
    with pytest.raises(CaseError, match="off an even grid"):
        series.roi().write(tmp_path / "m.dcm", dicom=series.folder)


def test_masks_that_cannot_be_written_are_refused(series, tmp_path):
    with pytest.raises(UsageError, match="give the folder of its files"):
        series.roi().write(tmp_path / "m.dcm")
    with pytest.raises(UsageError, match="a mask is written as"):
        series.roi().write(tmp_path / "m.png")
    moved = series.volume.affine.copy()
    moved[:3, 3] += 0.4
    with pytest.raises(CaseError, match="not on its image's grid"):
        Roi(series.roi().mask, moved).write(tmp_path / "m.dcm", dicom=series.folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.ROIContourSequence[0].ContourSequence[2].update({"ContourGeometricType": "POINT"}),
         "region 1 'mass': contour 3 is of the type POINT"),
        (lambda d: d.ROIContourSequence[0].ContourSequence[0].update({"ContourData": [1.0, 2.0]}),
         "region 1 'mass': contour 1 has 2 coordinates, which are not points"),
        (lambda d: d.ROIContourSequence.clear(), "the mask is empty: its segments .1 'mass'. are empty"),
        (lambda d: d.StructureSetROISequence.clear(), "describes no region"),
    ],
)  # fmt: skip
def test_broken_structure_sets_are_refused_by_name(series, tmp_path, read_dicom, change, says):
    file = series.draw(tmp_path / "contours.dcm", [series.roi()])
    dataset = read_dicom(file)
    change(dataset)
    dataset.save_as(file)
    with pytest.raises(CaseError, match=says) as caught:
        Roi.read(file, None, series.volume, reader="b")
    assert caught.value.file == str(file) and caught.value.reader == "b"


def test_broken_segmentations_are_refused_by_name(series, tmp_path, read_dicom):
    file = tmp_path / "m.dcm"
    series.roi().write(file, dicom=series.folder)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - 200])
    with pytest.raises(CaseError, match=r"m\.dcm: the pixels cannot be decoded"):
        Roi.read(file, None, series.volume)
    file.write_bytes(whole)
    dataset = read_dicom(file)
    del dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence
    dataset.save_as(file)
    with pytest.raises(CaseError, match=r"m\.dcm: frame 1 has no ImagePositionPatient"):
        Roi.read(file, None, series.volume)
    file.write_bytes(b"\0" * 128 + b"DICM" + b"\1" * 40)
    with pytest.raises(CaseError, match=r"m\.dcm: .*(cannot be read as DICOM|no mask)"):
        Roi.read(file, None, series.volume)


def changed(series, tmp_path, read_dicom, change, rois=None):
    """A structure set of the series' mask, with a change."""
    file = series.draw(tmp_path / "contours.dcm", rois or [series.roi()])
    dataset = read_dicom(file)
    change(dataset)
    dataset.save_as(file)
    return file


def contours_of(dataset, region=0):
    return dataset.ROIContourSequence[region].ContourSequence


def test_contours_that_enclose_nothing_cost_nothing_else(series, tmp_path, read_dicom):
    def two_points(dataset):
        extra = copy.deepcopy(contours_of(dataset)[0])
        extra.ContourData, extra.NumberOfContourPoints = extra.ContourData[:6], 2
        contours_of(dataset).insert(1, extra)

    file = changed(series, tmp_path, read_dicom, two_points)
    roi = Roi.read(file, None, series.volume)
    np.testing.assert_array_equal(roi.mask, series.roi().mask)
    assert roi.notes == ("contour 2 has fewer than three points, encloses nothing and was left out",)


@pytest.mark.filterwarnings("ignore:The value length")  # the term is longer than its value representation allows
def test_interpolated_contours_are_closed_ones(series, tmp_path, read_dicom):
    def interpolated(dataset):
        contours_of(dataset)[0].ContourGeometricType = "INTERPOLATED_PLANAR"

    file = changed(series, tmp_path, read_dicom, interpolated)
    np.testing.assert_array_equal(Roi.read(file, None, series.volume).mask, series.roi().mask)


@pytest.mark.parametrize("every", [True, False])
def test_a_marker_in_a_structure_set_costs_no_other_region(series, tmp_path, read_dicom, every):
    """An isocentre or a clip beside the lesion: points, or a region with a broken contour."""

    def marker(dataset):
        for contour in contours_of(dataset, 1) if every else contours_of(dataset, 1)[:1]:
            contour.ContourGeometricType = "POINT"
            contour.ContourData, contour.NumberOfContourPoints = contour.ContourData[:3], 1

    other = series.roi(9)
    rois = [series.roi(), Roi(other.mask, other.affine, "ISOCENTRE")]
    file = changed(series, tmp_path, read_dicom, marker, rois)
    np.testing.assert_array_equal(Roi.read(file, "mass", series.volume).mask, series.roi().mask)
    says = "segment 2 'ISOCENTRE' of the mask is empty" if every else "region 2 'ISOCENTRE': contour 1 is of the type"
    with pytest.raises(CaseError, match=says):
        Roi.read(file, "ISOCENTRE", series.volume)


def test_exclusive_contours_leave_out_what_they_share_as_the_file_asks(series, tmp_path, read_dicom):
    def overlap(dataset):
        first = contours_of(dataset)[0]
        del contours_of(dataset)[1:]
        other = copy.deepcopy(first)
        points = np.array(first.ContourData, float).reshape(-1, 3)
        points[:, 0] += 5 * 1.25
        other.ContourData = points.round(3).ravel().tolist()
        contours_of(dataset).append(other)
        for contour in contours_of(dataset):
            contour.ContourGeometricType = kind

    found = {}
    for kind in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
        found[kind] = Roi.read(changed(series, tmp_path, read_dicom, overlap), None, series.volume)
    joined, exclusive = found["CLOSED_PLANAR"], found["CLOSEDPLANAR_XOR"]
    shared = joined.mask & ~exclusive.mask
    assert 0 < shared.sum() == joined.voxel_count - exclusive.voxel_count
    assert exclusive.notes == ()
    assert joined.notes == (
        f"contours overlap in part by {shared.sum()} voxel(s) (slice 2) and were joined: "
        "check whether a hole was intended",
    )


def padded_by_frame(dataset):
    """Each frame padded to whole bytes, as some programs write a SEG."""
    frames, size = int(dataset.NumberOfFrames), dataset.Rows * dataset.Columns
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")[: frames * size]
    rows = [np.packbits(frame, bitorder="little").tobytes() for frame in bits.reshape(frames, size)]
    content = b"".join(rows)
    dataset.PixelData = content + b"\0" * (len(content) % 2)


@pytest.mark.parametrize("frames", [2, 7])
def test_a_segmentation_whose_frames_are_padded_to_whole_bytes_keeps_its_voxels(tmp_path, read_dicom, frames):
    narrow = Series(tmp_path / "narrow", shape=(21, 17, frames))
    mask = np.random.default_rng(8).random((21, 17, frames)) > 0.5
    file = tmp_path / "m.dcm"
    Roi(mask, narrow.volume.affine, "mass").write(file, dicom=narrow.folder)
    np.testing.assert_array_equal(Roi.read(file, None, narrow.volume).mask, mask)
    dataset = read_dicom(file)
    padded_by_frame(dataset)
    dataset.save_as(file)
    roi = Roi.read(file, None, narrow.volume)
    np.testing.assert_array_equal(roi.mask, mask)
    assert roi.notes == ("each of its frames is padded to whole bytes and was unpacked separately",)


@pytest.mark.parametrize("extra", [2, 40])
def test_a_segmentation_with_more_pixels_than_its_frames_is_refused(tmp_path, read_dicom, extra):
    narrow = Series(tmp_path / "narrow", shape=(21, 17, 7))
    file = tmp_path / "m.dcm"
    Roi(np.ones((21, 17, 7), bool), narrow.volume.affine, "mass").write(file, dicom=narrow.folder)
    dataset = read_dicom(file)
    whole = len(dataset.PixelData)
    dataset.PixelData = dataset.PixelData + b"\xff" * extra
    dataset.save_as(file)
    with pytest.raises(CaseError, match=rf"m\.dcm: 7 frames need 313 bytes .*the file has {whole + extra}"):
        Roi.read(file, None, narrow.volume)


STUDY = """
study: masks of every kind
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{mask}"
  readers: [a]
  label: LABEL
sequences: [T2]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""


def write_image(file, volume, number):
    """The same image but for one voxel far from the lesion, so that it is nobody else's."""
    voxels = volume.voxels.copy()
    voxels[0, 0, 0] += number
    Volume(voxels, volume.affine).write(file)


def test_a_study_takes_masks_of_every_kind_and_loses_only_the_broken_one(series, tmp_path):
    files = written(series, tmp_path, series.roi())
    files["two"] = tmp_path / "two.seg.nrrd"
    write_rois(files["two"], [series.roi(), Roi(series.roi(9).mask, series.volume.affine, "rim")])
    files["not a mask"] = next(series.folder.iterdir())
    for number, name in enumerate(files):
        write_image(tmp_path / f"{name}.nii.gz", series.volume, number)
    table = pd.DataFrame({"id": list(files), "mask": [str(file) for file in files.values()]})
    table["y"], table["set"] = [0, 1] * 3 + [1], ["training"] * 3 + ["testing"] * 4
    table.to_csv(tmp_path / "cohort.csv", index=False)
    study = parse_protocol(STUDY.replace("LABEL", "null"))
    assert run(study, data=tmp_path, out=tmp_path / "out", until="extract", jobs=1) == 2
    lesions = pd.read_csv(tmp_path / "out" / "prepare" / "lesions.csv")
    assert lesions["patient"].tolist() == [*files][:5]
    assert set(lesions["native_voxels"]) == {series.roi().voxel_count}
    failures = pd.read_csv(tmp_path / "out" / "prepare" / "failures.csv")
    assert "not a mask (MR Image Storage)" in failures.set_index("patient").loc["not a mask", "problem"]
    assert "2 segments (1 'mass', 2 'rim')" in failures.set_index("patient").loc["two", "problem"]
    features = pd.read_parquet(tmp_path / "out" / "extract" / "features.parquet")
    assert len(features) == 5
    assert (features.nunique(dropna=False) == 1).all()
    named = parse_protocol(STUDY.replace("LABEL", "mass"))
    assert run(named, data=tmp_path, out=tmp_path / "named", until="prepare", jobs=1) == 3
    found = pd.read_csv(tmp_path / "named" / "prepare" / "lesions.csv")
    assert found["patient"].tolist() == ["seg.nrrd", "dcm", "rtstruct", "two"]


def test_a_segmentation_between_the_images_voxels_is_refused_or_sampled_where_asked(series, tmp_path):
    roi = series.roi()
    roi.write(tmp_path / "m.dcm", dicom=series.folder)
    fine = series.volume.affine @ np.diag([1, 1, 0.5, 1])
    image = Volume(np.zeros((22, 18, 13), np.float32), fine)
    finer = Roi.read(tmp_path / "m.dcm", None, image, resample=True)
    np.testing.assert_array_equal(finer.mask[:, :, ::2], roi.mask)  # every other slice is one of the series'
    turn = np.array([[np.cos(0.2), 0, -np.sin(0.2), 0], [0, 1, 0, 0], [np.sin(0.2), 0, np.cos(0.2), 0], [0, 0, 0, 1]])
    with pytest.raises(CaseError, match=r"m\.dcm: frame \d is not on the image's grid: .*11.5 degrees"):
        Roi.read(tmp_path / "m.dcm", None, Volume(image.voxels, turn @ fine))
    with pytest.raises(CaseError, match="no image to resample the mask onto"):
        Roi.read(tmp_path / "m.dcm", None, resample=True)


TRANSFER = """
study: a DICOM mask carried to another sequence
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}_{sequence}.nii.gz"
  masks: "{patient}_{sequence}_mask.dcm"
  readers: [a]
  transfer: {from: T2, to: [DWI], rigid: false, accept_unconfirmed: true}
sequences: [T2, DWI]
prepare: [{reference: {mask: "{sequence}_fat.dcm", tissue: fat}}]
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""


def test_dicom_masks_are_carried_and_stand_for_reference_tissue(series, tmp_path):
    roi, fat = series.roi(), series.roi(4)
    for step, name in enumerate(("T2", "DWI")):
        for number, patient in enumerate("ABCD"):
            write_image(tmp_path / f"{patient}_{name}.nii.gz", series.volume, 4 * step + number)
        fat.write(tmp_path / f"{name}_fat.dcm", dicom=series.folder)
    for patient in "ABCD":
        series.draw(tmp_path / f"{patient}_T2_mask.dcm", [roi])
    table = pd.DataFrame({"id": list("ABCD"), "y": [0, 1, 0, 1], "set": ["training"] * 2 + ["testing"] * 2})
    table.to_csv(tmp_path / "cohort.csv", index=False)
    assert run(parse_protocol(TRANSFER), data=tmp_path, out=tmp_path / "out", until="prepare", jobs=1) == 0
    lesions = pd.read_csv(tmp_path / "out" / "prepare" / "lesions.csv", keep_default_na=False)
    assert set(lesions["native_voxels"]) == {roi.voxel_count}
    assert set(lesions.loc[lesions["sequence"] == "DWI", "transferred_from"]) == {"T2"}
