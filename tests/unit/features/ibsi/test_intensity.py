from __future__ import annotations

import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.features.ibsi.grey_levels import fixed_count, fixed_width
from radstudy.features.ibsi.histogram import intensity_histogram
from radstudy.features.ibsi.intensity import local_intensity, statistics
from radstudy.features.ibsi.preparation import Stage
from radstudy.features.ibsi.settings import IbsiSettings
from radstudy.features.ibsi.volume_histogram import volume_histogram


def test_levels_of_a_fixed_width_count_from_the_lower_bound():
    with pytest.raises(CaseError, match="lowest intensity is -1001, below the first bin at -1000"):
        fixed_width(np.array([-1001.0, 5.0]), 25, -1000)
    with pytest.raises(CaseError, match="more than 10,000,000 bins"):
        fixed_width(np.array([0.0, 1e9]), 1e-3, 0)


def test_levels_of_a_fixed_count_use_all_and_a_flat_lesion_one():
    levels = fixed_count(np.linspace(-3, 7, 1001), 8)
    assert (levels.min(), levels.max()) == (1, 8)
    assert np.ptp(np.bincount(levels)[1:]) <= 1
    assert fixed_count(np.full(4, 3.0), 8).tolist() == [1, 1, 1, 1]


def test_a_flat_lesion_has_no_spread():
    found = statistics(np.full(5, 7.0))
    assert (found["stat_var"], found["stat_skew"], found["stat_kurt"], found["stat_qcod"]) == (0, 0, 0, 0)
    assert found["stat_rms"] == 7.0
    zero = statistics(np.zeros(3))
    assert np.isnan([zero["stat_cov"], zero["stat_qcod"]]).all()


def test_mode_is_the_one_nearest_to_the_mean():
    assert intensity_histogram(np.array([1, 1, 2, 4, 4, 5, 5, 4, 1], dtype=np.int32), 5)["ih_mode"] == 4.0
    assert intensity_histogram(np.array([1, 3], dtype=np.int32), 3)["ih_mode"] == 1.0  # equally near: the lower


def test_gradients_are_central_differences():
    found = intensity_histogram(np.repeat([1, 2, 3, 4], [1, 5, 2, 9]).astype(np.int32), 4)
    assert [found[f"ih_{name}"] for name in ("max_grad", "max_grad_g", "min_grad", "min_grad_g")] == [7, 4, 0.5, 2]
    assert np.isnan(intensity_histogram(np.ones(3, np.int32), 1)["ih_max_grad"])


def test_the_volume_histogram_of_whole_numbers():
    found = volume_histogram(np.arange(1.0, 11.0), IbsiSettings())
    assert found["ivh_v10"] == 0.9  # 1.9 and above
    assert found["ivh_v90"] == 0.1
    assert found["ivh_i10"] == 10.0
    assert found["ivh_i90"] == 2.0
    ranged = volume_histogram(np.arange(1.0, 11.0), IbsiSettings(resegment_range=(0.0, 20.0)))
    assert ranged["ivh_v10"] == 0.9
    assert ranged["ivh_v90"] == 0.0


def test_the_volume_histogram_in_bins():
    values = np.linspace(0, 99.9, 1000)
    width = volume_histogram(values, IbsiSettings(ivh_bin_width=10.0, resegment_range=(0.0, 100.0)))
    assert width["ivh_i10"] == 95.0
    assert width["ivh_v10"] == pytest.approx(0.9)
    count = volume_histogram(values, IbsiSettings(ivh_bin_count=10))
    assert count["ivh_i10"] == 10.0
    assert count["ivh_i90"] == 2.0


def test_the_peak_is_a_mean_over_a_sphere_of_one_cubic_cm():
    image = np.zeros((15, 15, 15))
    image[7, 7, 7] = 100.0
    mask = np.zeros(image.shape, dtype=bool)
    mask[7, 7, 7] = mask[0, 0, 0] = True
    grid = np.argwhere(np.ones_like(mask)) - 7
    in_sphere = int((np.linalg.norm(grid, axis=1) <= 6.2035).sum())
    found = local_intensity(Stage(image, mask, mask, (1.0, 1.0, 1.0)))
    assert found["loc_peak_loc"] == found["loc_peak_glob"] == pytest.approx(100 / in_sphere)
