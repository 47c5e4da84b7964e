"""Enhancement maps and curve types on phantoms with known truth."""

import numpy as np
import pytest

from radstudy.errors import CaseError
from radstudy.imaging.parametric.curve import classify, lesion_curve
from radstudy.imaging.parametric.enhancement import enhancement_maps
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

TIMES = np.array([-60.0, 0.0, 75.0, 150.0, 240.0, 330.0, 420.0])
AFFINE = np.diag([0.8, 0.8, 1.6, 1])


def volumes(signal):
    return [Volume(one.astype(np.float32), AFFINE) for one in signal]


@pytest.fixture(scope="module")
def random_series():
    return np.random.default_rng(3).uniform(50, 900, (7, 5, 4, 3)).astype(np.float32)


def test_every_map_is_its_definition_voxel_by_voxel(random_series):
    maps = enhancement_maps(volumes(random_series), TIMES, before=2, injection_s=10)
    for index in np.ndindex(random_series.shape[1:]):
        curve = [float(value) for value in random_series[(slice(None), *index)]]
        base, after, times = (curve[0] + curve[1]) / 2, curve[2:], TIMES[2:]
        at = max(range(5), key=lambda i: after[i])
        percent = [100 * (value - base) / base for value in after]
        expected = {
            "early": percent[0], "peak": percent[at], "late": percent[-1],
            "wash_in": percent[at] / (times[at] - 10) * 60,
            "wash_out": (percent[-1] - percent[at]) / (times[-1] - times[at]) * 60 if at < 4 else 0.0,
            "ser": (after[0] - base) / (after[-1] - base) if after[-1] > base else np.nan,
            "time_to_peak": times[at] - 10,
        }  # fmt: skip
        for name, value in expected.items():
            found = float(maps[name].voxels[index])
            assert (np.isnan(found) and np.isnan(value)) or found == pytest.approx(value, rel=2e-4, abs=1e-3), name
    assert [maps[name].unit for name in ("peak", "wash_in", "ser", "time_to_peak")] == ["%", "%/min", "1", "s"]


def test_maps_do_not_depend_on_the_receivers_gain_or_the_clocks_zero(random_series):
    plain = enhancement_maps(volumes(random_series), TIMES, before=2)
    other = enhancement_maps(volumes(random_series * 4), TIMES + 5000, before=2)
    for name, made in plain.items():
        np.testing.assert_allclose(other[name].voxels, made.voxels, rtol=1e-5, atol=1e-4)


def test_air_has_no_enhancement_and_limits_cut_the_ratio():
    signal = np.array([[0.0, 5, 100, 100], [10, 40, 180, 150], [30, 20, 110, 90]]).reshape(3, 4, 1, 1)
    maps = enhancement_maps(volumes(signal), [0, 60, 300], least_signal=5, ser_limits=(0, 3))
    assert np.isnan(maps["peak"].voxels[:2]).all() and np.isnan(maps["time_to_peak"].voxels[:2]).all()
    assert maps["ser"].voxels[2, 0, 0] == 3  # 80 / 10
    assert np.isnan(maps["ser"].voxels[3, 0, 0])  # nothing left at the end


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"before": 0}, "0 of 7 phases come before"), ({"before": 7}, "7 of 7 phases come before"),
     ({"before": 2, "injection_s": 80}, "the injection at 80 s is later than the first phase")],
)  # fmt: skip
def test_times_that_cannot_be_are_refused(random_series, settings, says):
    with pytest.raises(CaseError, match=says):
        enhancement_maps(volumes(random_series), TIMES, **settings)


@pytest.mark.parametrize(
    ("signal", "kind", "initial"),
    [
        ((100, 150, 180, 200), "I", "medium"), ((100, 220, 225, 230), "II", "fast"),
        ((100, 220, 210, 199), "II", "fast"), ((100, 220, 200, 197), "III", "fast"),
        ((100, 140, 150, 160), "I", "slow"), ((100, 104, 102, 109), "none", "slow"),
        ((100, 105, 130, 150), "I", "slow"), ((100, 200, 210, 220), "II", "medium"),
        ((100, 200, 210, 220.1), "I", "medium"), ((100, 200, 190, 179.9), "III", "medium"),
    ],
)  # fmt: skip
def test_types_at_their_thresholds(signal, kind, initial):
    found = classify((0.0, 90.0, 200.0, 400.0), tuple(map(float, signal)))
    assert (found.type, found.initial) == (kind, initial)


def test_the_initial_peak_is_that_of_two_minutes_or_of_the_first_phase():
    times, signal = (-10.0, 30.0, 100.0, 119.0, 300.0), (100.0, 150.0, 260.0, 240.0, 220.0)
    assert classify(times, signal).late_percent == pytest.approx(-100 * 40 / 260)
    assert classify(times, signal, initial_s=60).late_percent == pytest.approx(100 * 70 / 150)
    late_start = classify((-230.0, 177.0, 531.0), (100.0, 200.0, 170.0))
    assert (late_start.type, late_start.initial_percent) == ("III", 100.0)
    with pytest.raises(CaseError, match=r"no phase follows the initial ones .* 110 s"):
        classify((0.0, 50.0, 110.0), (100.0, 200.0, 210.0))


def two_compartments(times, rise_s, fall_s):
    """Enhancement after an injection at 0: up with one time constant, down with another (none: it stays)."""
    t = np.maximum(times, 0)
    return (1 - np.exp(-t / rise_s)) * (np.exp(-t / fall_s) if fall_s else 1.0)


def test_curve_types_of_noisy_phantom_lesions_are_the_true_ones():
    """300 lesions of 343 voxels; signal to noise 15 a voxel: the type of the mean is the noise-free one's."""
    rng = np.random.default_rng(11)
    right = total = 0
    for truth, rise, fall in (("I", 180, None), ("II", 35, None), ("III", 30, 900)):
        clean = 300 * (1 + 1.6 * two_compartments(TIMES, rise, fall))
        assert classify(tuple(TIMES), tuple(clean), before=2).type == truth
        for _ in range(100):
            signal = clean[:, None, None, None] + rng.normal(0, 20, (7, 9, 9, 9))
            mask = np.zeros((9, 9, 9), bool)
            mask[1:8, 1:8, 1:8] = True
            found = lesion_curve(volumes(signal), TIMES, Roi(mask, AFFINE), before=2)
            right, total = right + (found.type == truth), total + 1
            assert found.initial_percent == pytest.approx(100 * (clean[2] / clean[:2].mean() - 1), abs=3)
    assert right == total == 300


def test_a_mask_elsewhere_is_refused(random_series):
    with pytest.raises(CaseError, match="not on its image's grid"):
        lesion_curve(volumes(random_series), TIMES, Roi(np.ones((5, 4, 2)), AFFINE), before=2)
    with pytest.raises(CaseError, match="the mask is empty"):
        lesion_curve(volumes(random_series), TIMES, Roi(np.zeros((5, 4, 3)), AFFINE), before=2)
