"""What holds of every mask format: a new one is tested by its entry in MASK_FORMATS alone."""

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from typer.testing import CliRunner

from radstudy.errors import CaseError
from radstudy.formats.raster import to_sitk
from radstudy.formats.reading import recorded
from radstudy.imaging.masks.formats import (
    DICOM_SEG,
    LABEL_MAP,
    MASK_FORMATS,
    PICTURE,
    RTSTRUCT,
    SLICER,
    files_of_mask,
    format_of,
    format_written_as,
    listed,
    written_suffixes,
)  # fmt: skip
from radstudy.imaging.masks.read import needs_image
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from unit.imaging.masks.conftest import Series

DOCS = Path(__file__).parents[4] / "docs" / "masks.md"
WRITTEN = [(each, suffix) for each in MASK_FORMATS for suffix in each.suffixes]


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return Series(tmp_path_factory.mktemp("masks") / "series")


def drawn(each, series):
    """An image and a mask that the format can hold: the series' own, or one slice of them."""
    if each is not PICTURE:
        return series.volume, series.roi()
    roi = series.roi()
    fullest = int(roi.mask.sum(axis=(0, 1)).argmax())
    flat = np.s_[:, :, fullest : fullest + 1]
    return Volume(series.volume.voxels[flat], np.eye(4), planar=True), Roi(roi.mask[flat], np.eye(4))


def example_of(each, series, folder):
    """A file of the format with the mask of `drawn`."""
    if each is PICTURE:
        file = folder / "m.png"
        Image.fromarray(drawn(each, series)[1].mask[:, :, 0].T.astype(np.uint8)).save(file)
        return file
    if each.write is not None:
        file = folder / f"m{each.suffixes[0]}"
        series.roi().write(file, dicom=series.folder)
        return file
    return {RTSTRUCT.name: lambda: series.draw(folder / "contours.dcm", [series.roi()])}[each.name]()


def ids(value):
    return getattr(value, "name", value)


@pytest.mark.parametrize(("each", "suffix"), WRITTEN, ids=ids)
def test_a_mask_that_is_written_comes_back_as_the_same_voxels(series, tmp_path, each, suffix):
    file = tmp_path / f"m{suffix}"
    series.roi().write(file, dicom=series.folder)
    assert format_of(file) is each is format_written_as(file.name)
    back = Roi.read(file, None, series.volume)
    np.testing.assert_array_equal(back.mask, series.roi().mask)
    np.testing.assert_array_equal(back.affine, series.volume.affine)


@pytest.mark.parametrize("each", MASK_FORMATS, ids=ids)
def test_a_mask_of_each_format_is_known_and_read(series, tmp_path, each):
    file, (volume, roi) = example_of(each, series, tmp_path), drawn(each, series)
    assert format_of(file) is each
    assert needs_image(file) is each.needs_image
    np.testing.assert_array_equal(Roi.read(file, None, volume).mask, roi.mask)


@pytest.mark.parametrize("each", MASK_FORMATS, ids=ids)
def test_a_mask_that_is_cut_off_is_refused_by_name(series, tmp_path, each):
    file, (volume, roi) = example_of(each, series, tmp_path), drawn(each, series)
    whole = file.read_bytes()
    for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        file.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(CaseError) as caught:
            Roi.read(file, None, volume, reader="b")
        assert caught.value.file == str(file) and caught.value.reader == "b" and caught.value.remedy, share
    file.write_bytes(whole)
    assert Roi.read(file, None, volume).voxel_count == roi.voxel_count


@pytest.mark.parametrize("each", MASK_FORMATS, ids=ids)
def test_the_bytes_of_every_part_are_recorded(series, tmp_path, each):
    file, (volume, _) = example_of(each, series, tmp_path), drawn(each, series)
    with recorded() as reading:
        Roi.read(file, None, volume)
    assert set(each.parts(file)) == set(files_of_mask(file)) == set(reading.stamps)


@pytest.mark.parametrize("suffix", ["mhd", "nhdr", "hdr"])
def test_a_mask_of_several_files_has_all_of_them_among_its_parts(series, tmp_path, suffix):
    roi, header = series.roi(), tmp_path / f"m.{suffix}"
    sitk.WriteImage(to_sitk(roi.mask, roi.affine), str(header))
    parts = files_of_mask(header)
    assert parts[0] == header and set(parts) == set(tmp_path.iterdir()) and len(parts) == 2
    with recorded() as reading:
        np.testing.assert_array_equal(Roi.read(header, None, series.volume).mask, roi.mask)
    assert set(parts) == set(reading.stamps)


def test_a_kind_of_damaged_files_exists_for_every_format(tmp_path):
    from hostile.kinds import KINDS, load_kinds

    load_kinds()
    attacked = set()
    for kind in KINDS.values():
        if kind.run.__name__ not in ("run_mask", "run_drawing"):
            continue
        for name, content in kind.examples().items():
            (tmp_path / name).write_bytes(content)
            attacked.add(format_of(tmp_path / name).name)
    assert attacked == {each.name for each in MASK_FORMATS}


def test_the_page_on_masks_has_a_row_for_every_format():
    rows = re.findall(r"(?m)^\| .* \|$", DOCS.read_text(encoding="utf-8").split("\n\n## ")[0])
    assert rows[1:] == [f"| {each.words} | {each.called_by} | {each.holds} |" for each in MASK_FORMATS]


@pytest.mark.parametrize("command", [["extract"], ["map"], ["mask"], ["mask", "list"], ["mask", "convert"]])
def test_the_help_of_every_command_that_takes_a_mask_names_every_format(command):
    from radstudy.cli import app

    help_text = " ".join(CliRunner().invoke(app, [*command, "--help"], terminal_width=250).output.split())
    assert listed() in help_text
    if command[-1] == "convert":
        assert ", ".join(written_suffixes()) in help_text


def test_each_format_has_a_name_and_suffixes_of_its_own():
    assert len({each.name for each in MASK_FORMATS}) == len(MASK_FORMATS)
    assert all(bool(each.suffixes) is (each.write is not None) for each in MASK_FORMATS)
    assert format_written_as("a.seg.nrrd") is SLICER and format_written_as("a.NRRD") is LABEL_MAP
    assert format_written_as("a.dcm") is DICOM_SEG and format_written_as("a.png") is None
