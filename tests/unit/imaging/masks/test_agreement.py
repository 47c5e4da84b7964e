from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.raster import to_sitk
from radstudy.imaging.masks.agreement import mask_agreement
from radstudy.imaging.roi import Roi

AFFINE = np.diag([0.8, 1.1, 3.0, 1.0])


def roi(mask: np.ndarray, affine: np.ndarray = AFFINE) -> Roi:
    return Roi(mask, affine)


def box(low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros((16, 14, 9), dtype=bool)
    mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return mask


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    grid = np.indices((16, 14, 9))
    masks = []
    for _ in range(2):
        centre, radius = rng.uniform([5, 5, 3], [10, 9, 5]), rng.uniform(1.5, 5, 3)
        inside = (((grid - centre[:, None, None, None]) / radius[:, None, None, None]) ** 2).sum(axis=0) < 1
        masks.append(inside & (rng.random(inside.shape) > 0.05) | (grid.sum(axis=0) == 17) & inside)
    return masks[0], masks[1]


def test_equal_masks_agree_fully_and_touching_the_edge_is_a_surface() -> None:
    result = mask_agreement(roi(box((0, 0, 0), (16, 14, 9))), roi(box((0, 0, 0), (16, 14, 9))))
    assert (result.dice, result.jaccard, result.hausdorff, result.mean_surface_distance) == (1, 1, 0, 0)
    assert result.volume_difference_percent == 0 and result.note == ""


def test_a_shifted_box_by_hand() -> None:
    """4 x 4 x 3 voxels, moved by one along I and by two along K: 3 * 4 * 1 of 48 overlap."""
    result = mask_agreement(roi(box((2, 2, 2), (6, 6, 5))), roi(box((3, 2, 4), (7, 6, 7))))
    assert result.dice == pytest.approx(12 / 48) and result.jaccard == pytest.approx(12 / 84)
    assert result.hausdorff == pytest.approx(np.hypot(0.8, 6.0))
    assert result.volume_a_mm3 == pytest.approx(48 * 0.8 * 1.1 * 3.0)


def test_single_voxels_have_the_distance_of_their_centres() -> None:
    result = mask_agreement(roi(box((2, 2, 2), (3, 3, 3))), roi(box((5, 6, 3), (6, 7, 4))))
    apart = np.sqrt(2.4**2 + 4.4**2 + 3**2)
    assert result.dice == 0
    distances = (result.hausdorff, result.hausdorff_95, result.mean_surface_distance)
    assert distances == pytest.approx((apart, apart, apart))


@pytest.mark.parametrize("seed", range(25))
def test_simpleitk_agrees(seed: int) -> None:
    a, b = blobs(seed)
    result, swapped = mask_agreement(roi(a), roi(b)), mask_agreement(roi(b), roi(a))
    first, second = (to_sitk(mask.astype(np.uint8), AFFINE) for mask in (a, b))
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(first, second)
    assert result.dice == pytest.approx(overlap.GetDiceCoefficient())
    assert result.jaccard == pytest.approx(overlap.GetJaccardCoefficient())
    assert result.volume_difference_percent == pytest.approx(100 * overlap.GetVolumeSimilarity())
    # surface to surface, by ITK's contours (six neighbours) and Maurer's distance map
    contours = [sitk.LabelContour(sitk.ConstantPad(image, [1] * 3, [1] * 3), False) for image in (first, second)]
    found = []
    for one, other in (contours, contours[::-1]):
        apart = sitk.Abs(sitk.SignedMaurerDistanceMap(other, squaredDistance=False, useImageSpacing=True))
        found.append(sitk.GetArrayFromImage(apart)[sitk.GetArrayFromImage(one) == 1])
    assert result.hausdorff == pytest.approx(max(part.max() for part in found), rel=1e-5)
    assert result.hausdorff_95 == pytest.approx(max(np.quantile(part, 0.95) for part in found), rel=1e-5)
    assert result.mean_surface_distance == pytest.approx(np.concatenate(found).mean(), rel=1e-5)
    assert (swapped.dice, swapped.hausdorff) == (result.dice, result.hausdorff)
    assert swapped.volume_difference_percent == -result.volume_difference_percent


def test_solid_masks_have_itks_hausdorff_distance() -> None:
    a, b = box((2, 2, 2), (9, 8, 6)), box((4, 3, 3), (13, 12, 8))
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*(to_sitk(mask.astype(np.uint8), AFFINE) for mask in (a, b)))
    assert mask_agreement(roi(a), roi(b)).hausdorff == pytest.approx(hausdorff.GetHausdorffDistance(), rel=1e-6)


def test_an_empty_mask_has_no_distance_and_two_are_refused() -> None:
    empty = np.zeros((16, 14, 9), dtype=bool)
    result = mask_agreement(roi(box((2, 2, 2), (4, 4, 4))), roi(empty))
    assert (result.dice, result.jaccard, result.volume_difference_percent) == (0, 0, 200)
    assert np.isnan(result.hausdorff) and "empty" in result.note
    with pytest.raises(CaseError, match="both masks are empty"):
        mask_agreement(roi(empty), roi(empty))


def test_grids_must_be_one() -> None:
    mask = box((2, 2, 2), (4, 4, 4))
    with pytest.raises(CaseError, match="spacing"):
        mask_agreement(roi(mask), roi(mask, np.diag([0.9, 1.1, 3.0, 1.0])))
    with pytest.raises(CaseError, match="size"):
        mask_agreement(roi(mask), roi(mask[:-1]))
