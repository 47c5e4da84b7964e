"""Maps of a real breast DCE series against the maps that its own workstation made of it."""

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from radstudy import Roi, Volume
from radstudy.features.shape import shape
from radstudy.formats.dicom_frames import frame_affines
from radstudy.imaging.parametric.curve import lesion_curve
from radstudy.imaging.parametric.diameter import maximum_diameter_mm
from radstudy.imaging.parametric.enhancement import enhancement_maps
from radstudy.imaging.parametric.motion import motion_between

TIMES = (-230, 177, 531)  # seconds after the injection, the file's private tag (0117,1034)


def read_volumes(folder):
    """The volumes of a series whose files are numbered slice by slice, volume after volume."""
    files = sorted((pydicom.dcmread(file) for file in folder.iterdir()), key=lambda item: int(item.InstanceNumber))
    made = []
    for start in range(0, len(files), 60):
        part = files[start : start + 60]
        affine = frame_affines(part[0])[0]
        affine[:3, 2] = (frame_affines(part[-1])[0][:3, 3] - affine[:3, 3]) / 59
        made.append(Volume(np.stack([item.pixel_array.T for item in part], axis=2), affine))
    return made


@pytest.fixture(scope="module")
def patient(real_data):
    folder = real_data / "breast_dce" / "UCSF-BR-06"
    phases = read_volumes(folder / "image_dce_3dfgre_orig")
    (pe1,), (ser,) = read_volumes(folder / "image_dce_pe1"), read_volumes(folder / "image_dce_ser")
    region = Roi.read(folder / "mask" / "1-1.dcm", None, phases[0])
    return phases, enhancement_maps(phases, TIMES, injection_s=0), pe1, ser, region


def test_early_enhancement_is_the_series_pe1(patient):
    _, maps, pe1, _, region = patient
    ours, theirs = maps["early"].voxels[region.mask].astype(float), pe1.voxels[region.mask]
    shown = theirs > 0  # elsewhere the workstation wrote 0: no enhancement, or signal below its own limit
    assert shown.sum() == 77_047
    np.testing.assert_array_equal(np.trunc(ours[shown] + 1e-4), theirs[shown])


def test_the_enhancement_ratio_is_the_series_ser(patient):
    _, maps, _, ser, region = patient
    theirs = ser.voxels[region.mask] * 1e-3  # the file's rescale slope
    ours = np.clip(maps["ser"].voxels[region.mask].astype(float), 0, 3)
    shown = theirs > 0  # the workstation wrote it inside the tumour only
    assert shown.sum() == 41_105
    assert np.abs(ours[shown] - theirs[shown]).max() < 0.00051  # the file holds thousandths


def test_the_threshold_mask_has_the_count_of_the_private_tag(patient):
    """SEG and PE1 >= 70 and at least 4 of 26 neighbours: the file's private tag (0117,10b3) says 41,105.

    With neighbours counted inside the region only it is 41,098. Counted wherever PE1 is above the threshold it is
    41,108, and 41,105 of these are exactly the voxels for which the file holds a SER.
    """
    _, maps, pe1, ser, region = patient

    def with_neighbours(above):
        return ndimage.convolve(above.astype(int), np.ones((3, 3, 3), int), mode="constant") - above >= 4

    above = region.mask & (np.trunc(np.nan_to_num(maps["early"].voxels) + 1e-4) >= 70)
    assert (above & with_neighbours(above)).sum() == 41_098
    anywhere = region.mask & (pe1.voxels >= 70) & with_neighbours(pe1.voxels >= 70)
    assert anywhere.sum() == 41_108
    assert (anywhere & (ser.voxels > 0)).sum() == (region.mask & (ser.voxels > 0)).sum() == 41_105


def test_the_tumours_curve_size_and_motion(patient):
    phases, maps, _, _, region = patient
    above = region.mask & (np.nan_to_num(maps["early"].voxels) >= 70)
    numbered, _ = ndimage.label(above)
    tumour = Roi(numbered == np.bincount(numbered[above]).argmax(), phases[0].affine)
    curve = lesion_curve(phases, TIMES, tumour, injection_s=0)
    inside = [float(phase.voxels[tumour.mask].mean()) for phase in phases]
    assert curve.signal == pytest.approx(inside)
    assert curve.late_percent == pytest.approx(100 * (inside[2] / inside[1] - 1))
    assert (curve.type, curve.initial) == ("II", "fast")
    known = shape(tumour.mask.transpose(2, 1, 0), tuple(tumour.spacing_mm[::-1]), ["Maximum3DDiameter"])
    assert maximum_diameter_mm(tumour) == pytest.approx(known["Maximum3DDiameter"])
    part = Roi(tumour.mask & (np.arange(60) // 4 == 7), tumour.affine)
    moved = motion_between(phases[::2], part)
    assert moved.largest_mm < 1
