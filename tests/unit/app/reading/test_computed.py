"""Diameters as by PyRadiomics' definition, volume, and the type of the curve."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from radstudy.app.reading.computed import computed_characteristics
from radstudy.errors import CaseError
from radstudy.features.shape import shape
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


def lesion(seed):
    rng = np.random.default_rng(seed)
    i, j, k = np.meshgrid(*[np.arange(size) for size in (18, 16, 9)], indexing="ij")
    radius = rng.uniform(2.5, 5, 3) * (1, 1, 0.6)
    ball = ((i - 8) / radius[0]) ** 2 + ((j - 7) / radius[1]) ** 2 + ((k - 4) / radius[2]) ** 2 < 1
    return ball & (rng.random(ball.shape) > 0.1)


@pytest.mark.parametrize("seed", range(4))
def test_diameters_are_the_largest_distances_between_points_of_the_outline(seed):
    spacing = np.array([0.9, 1.1, 4.0])
    mask = lesion(seed)
    result = computed_characteristics(Roi(mask, np.diag([*spacing, 1])))

    def outline(axes):
        edge = []
        for axis in axes:
            step = np.zeros(3)
            step[axis] = 0.5
            for place in np.argwhere(mask):
                for side in (-1, 1):
                    beside = place + (2 * side * step).astype(int)
                    outside = (beside < 0).any() or (beside >= mask.shape).any() or not mask[tuple(beside)]
                    if outside:
                        edge.append((place + side * step) * spacing)
        return np.array(edge)

    assert result.longest_mm == pytest.approx(pdist(outline((0, 1, 2))).max())
    flat = outline((0, 1))
    slices = [flat[flat[:, 2] == height] for height in np.unique(flat[:, 2])]
    assert result.longest_in_slice_mm == pytest.approx(max(pdist(one).max() for one in slices))
    ours = shape(mask.transpose(2, 1, 0), (4.0, 1.1, 0.9))  # compared with PyRadiomics' own values elsewhere
    assert result.longest_in_slice_mm == pytest.approx(ours["Maximum2DDiameterSlice"])
    assert result.longest_mm == pytest.approx(ours["Maximum3DDiameter"])
    assert result.volume_mm3 == pytest.approx(mask.sum() * spacing.prod())


def test_the_slices_follow_the_axis_with_the_thickest_voxels():
    mask = np.zeros((9, 9, 9), bool)
    mask[1:8, 4, 4], mask[4, 4, 2:5] = True, True
    thick = computed_characteristics(Roi(mask, np.diag([5.0, 1, 1, 1])))
    assert thick.longest_in_slice_mm == 3.0
    assert computed_characteristics(Roi(mask, np.eye(4))).longest_in_slice_mm == 7.0


def test_the_curve_has_its_type_and_what_is_missing_is_said():
    mask = np.zeros((4, 4, 4), bool)
    mask[1:3, 1:3, 1:3] = True
    roi = Roi(mask, np.eye(4))
    phases = [Volume(np.where(mask, value, 7).astype(np.float32), np.eye(4)) for value in (100, 220, 180)]
    assert computed_characteristics(roi, phases, (0, 90, 300)).items()["tic_type"] == "III"
    assert computed_characteristics(roi, phases, (0, None, 300)).note == "the time of a phase is not known"
    without = computed_characteristics(roi)
    assert (without.curve, "tic_type" in without.items()) == (None, False)
    off = [Volume(one.voxels, np.diag([2.0, 1, 1, 1])) for one in phases]
    assert "not on its image's grid" in computed_characteristics(roi, off, (0, 90, 300)).note


def test_an_empty_mask_is_refused():
    with pytest.raises(CaseError, match="the mask is empty"):
        computed_characteristics(Roi(np.zeros((3, 3, 3), bool), np.eye(4)))
