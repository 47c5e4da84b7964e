"""What is said of a lesion before hours of work start: size, bins, volume change, pieces."""

from dataclasses import replace

import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.imaging.lesion_check import LesionRules, check_lesion, check_readable
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

RULES = LesionRules(
    spacing_mm=None, pad=5, bin_width=25.0, sigmas_mm=(), minimum_native=8, minimum_resampled=8
)  # fmt: skip


def lesion(top, spacing=(1, 1, 1), size=(10, 10, 10), inside=(slice(2, 8), slice(2, 8), slice(2, 8)), **options):
    """The facts of a box whose voxels rise from 0 to `top` in equal steps."""
    voxels = np.full(size, 5000.0, dtype=np.float32)
    mask = np.zeros(size, dtype=bool)
    mask[inside] = True
    voxels[mask] = np.linspace(0, top, np.count_nonzero(mask), dtype=np.float32)
    affine = np.diag([*spacing, 1.0])
    return check_lesion(Volume(voxels, affine), Roi(mask, affine), replace(RULES, **options))


@pytest.mark.parametrize(
    ("top", "bins", "says"),
    [
        (3.0, 1, "only 1 grey-level bins"),  # what a z-score and a bin width of 25 make of a lesion
        (174.0, 7, "only 7 grey-level bins"),
        (175.0, 8, None),  # bins begin at multiples of the width: 175 opens the eighth
        (6399.0, 256, None),
        (6400.0, 257, "257 grey-level bins: most contain"),
    ],
)
def test_under_8_and_over_256_bins_are_a_warning(top, bins, says):
    facts = lesion(top)
    assert facts.bins == bins
    warned = [warning for warning in facts.warnings if "bins" in warning]
    assert [says in warning for warning in warned] == ([True] if says else [])


def test_a_fixed_number_of_bins_is_no_finding():
    facts = lesion(3.0, bin_width=None)
    assert facts.bins is None and not facts.warnings


def test_voxels_and_volume_before_and_after_resampling():
    """3 slices of 3 mm hold 9 mm; at 1 mm they are 9 slices, unless the grid cuts the ends."""
    inside = (slice(2, 8), slice(2, 8), slice(3, 6))
    facts = lesion(1000.0, spacing=(1, 1, 3), inside=inside, spacing_mm=(1, 1, 1))
    assert (facts.native_voxels, facts.volume_mm3) == (108, 324.0)
    assert facts.volume_change_percent == pytest.approx(100 * (facts.resampled_voxels / 324 - 1))
    coarse = lesion(1000.0, spacing_mm=(4, 4, 4), minimum_resampled=1)
    assert abs(coarse.volume_change_percent) > 10
    assert f"resampling changes the mask's volume by {coarse.volume_change_percent:+.1f} %" in coarse.warnings


def test_a_mask_in_pieces_says_how_large_the_largest_is():
    voxels, mask = np.random.default_rng(0).normal(500, 200, (12, 12, 12)), np.zeros((12, 12, 12), bool)
    mask[1:4, 1:4, 1:4], mask[8, 8, 8:11] = True, True
    facts = check_lesion(Volume(voxels, np.eye(4)), Roi(mask, np.eye(4)), RULES)
    assert facts.warnings == ("the mask has 2 separate pieces, the largest with 90 % of its voxels",)


def test_sigmas_below_the_voxel_are_named():
    warnings = lesion(1000.0, spacing=(1, 1, 4), sigmas_mm=(1.0, 3.0, 5.0)).warnings
    assert warnings == ("LoG sigma 1, 3 mm is below the native spacing (4.00 mm)",)


def test_a_sigma_of_the_voxels_width_is_not_below_it_by_rounding():
    assert not lesion(1000.0, spacing=(1, 1, 4.0000005), sigmas_mm=(4.0,)).warnings
    assert lesion(1000.0, spacing=(1, 1, 4.01), sigmas_mm=(4.0,)).warnings


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"minimum_native": 217}, "216 voxels, fewer than 217"),
        (
            {"spacing_mm": (2, 2, 2), "minimum_resampled": 200},
            r"216 voxels become \d+ after resampling, fewer than 200",
        ),
    ],
)
def test_small_lesions_are_refused_with_their_numbers(options, says):
    with pytest.raises(CaseError, match=says):
        lesion(1000.0, **options)


@pytest.mark.parametrize(("value", "says"), [(np.nan, "1 voxels that are not finite"), (np.inf, "not finite")])
def test_an_image_with_a_hole_is_refused(value, says):
    voxels = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    check_readable(Volume(voxels.copy(), np.eye(4)))
    voxels[1, 1, 1] = value
    with pytest.raises(CaseError, match=says):
        check_readable(Volume(voxels, np.eye(4)))


def test_a_constant_image_is_refused():
    with pytest.raises(CaseError, match="every voxel is 7"):
        check_readable(Volume(np.full((3, 3, 3), 7, dtype=np.int16), np.eye(4)))
