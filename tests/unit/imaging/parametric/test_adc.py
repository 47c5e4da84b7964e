"""The diffusion coefficient: statsmodels' weighted lines, known truth with Rician noise, and what has no value."""

import numpy as np
import pytest
import statsmodels.api as sm

from radstudy.errors import CaseError
from radstudy.imaging.parametric.adc import UNIT, adc_map
from radstudy.imaging.volume import Volume

B = (0, 400, 800, 1200)
TRUTH = np.linspace(400, 3000, 27)  # 1e-6 mm2/s: dense tumour to water


def images(signal, b_values=B):
    return [Volume(one.astype(np.float64), np.diag([1.8, 1.8, 4, 1])) for one in signal], b_values


def noisy(sigma, copies, seed=0):
    """Magnitudes of complex signals with noise: (b, 27, copies, 1), S0 = 1000."""
    rng = np.random.default_rng(seed)
    clean = 1000 * np.exp(-np.array(B)[:, None] * TRUTH * 1e-6)[:, :, None, None]
    shape = (len(B), len(TRUTH), copies, 1)
    return np.abs(clean + sigma * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)))


@pytest.mark.parametrize("method", ["log-linear", "weighted"])
def test_without_noise_the_truth_comes_back(method):
    made = adc_map(*images(noisy(0, 2)), method=method)
    np.testing.assert_allclose(made.adc.voxels[:, 0, 0], TRUTH, rtol=1e-6)
    np.testing.assert_allclose(made.s0.voxels, 1000, rtol=1e-6)
    assert made.adc.unit == UNIT and (made.used == 4).all()


def test_fits_are_those_of_statsmodels_voxel_by_voxel():
    signal = noisy(60, 3, seed=5)
    design = sm.add_constant(np.array(B, float))
    fits = {method: adc_map(*images(signal), method=method) for method in ("log-linear", "weighted")}
    for index in np.ndindex(signal.shape[1:]):
        log = np.log(signal[(slice(None), *index)])
        plain = sm.OLS(log, design).fit()
        weighted = sm.WLS(log, design, weights=np.exp(plain.fittedvalues) ** 2).fit()
        assert fits["log-linear"].adc.voxels[index] == pytest.approx(-1e6 * plain.params[1], rel=1e-5)
        assert fits["weighted"].adc.voxels[index] == pytest.approx(-1e6 * weighted.params[1], rel=1e-5)
        assert fits["weighted"].s0.voxels[index] == pytest.approx(np.exp(weighted.params[0]), rel=1e-5)


def test_under_noise_the_weighted_fit_errs_less():
    """Signal to noise of 20 at b = 0, 4,000 voxels for each truth; docs/parametric.md has a table of such errors."""
    signal = noisy(50, 4000, seed=1)
    plain, weighted = (adc_map(*images(signal), method=method) for method in ("log-linear", "weighted"))
    wrong = [made.adc.voxels[:, :, 0] - TRUTH[:, None] for made in (plain, weighted)]
    root_mean_square = [np.sqrt((error**2).mean(axis=1)) for error in wrong]
    assert (root_mean_square[1] < root_mean_square[0]).all()
    assert root_mean_square[1].mean() < 0.65 * root_mean_square[0].mean()
    tumours = TRUTH < 1600
    assert np.abs(wrong[1][tumours].mean(axis=1)).max() < 25
    assert wrong[0][-1].mean() < -500 < -200 < wrong[1][-1].mean() < -100  # water drowns in noise at b = 1200


@pytest.mark.parametrize(
    ("snr", "truth", "printed"),
    [(50, 2000, [(0, 172), (-6, 83), (-7, 83)]), (20, 1000, [(0, 137), (-6, 108), (-6, 108)]),
     (20, 2000, [(-28, 409), (-41, 211), (-72, 227)]), (20, 3000, [(-556, 750), (-141, 380), (-131, 456)]),
     (10, 3000, [(-1118, 1232), (-515, 751), (-562, 851)])],
)  # fmt: skip
def test_the_errors_that_the_documentation_prints(snr, truth, printed):
    """docs/parametric.md: mean and root mean square error of 20,000 voxels; other noise: within 4 standard errors."""
    rng, voxels = np.random.default_rng(8), 20_000
    clean = 1000 * np.exp(-np.array(B) * truth * 1e-6)[:, None, None, None]
    noise = rng.standard_normal((2, len(B), voxels, 1, 1)) * 1000 / snr
    volumes, _ = images(np.abs(clean + noise[0] + 1j * noise[1]))
    ways = ({"method": "log-linear"}, {}, {"noise_floor": 2.5 * 1000 / snr})
    for settings, (mean, root_mean_square) in zip(ways, printed, strict=True):
        error = adc_map(volumes, B, **settings).adc.voxels - truth
        error = error[np.isfinite(error)]
        tolerance = 0.5 + 4 * np.sqrt(2) * error.std() / np.sqrt(error.size)
        assert error.mean() == pytest.approx(mean, abs=tolerance)
        assert np.sqrt((error**2).mean()) == pytest.approx(root_mean_square, abs=2 * tolerance)


def test_what_is_below_the_noise_floor_is_left_out():
    signal = np.array([1000.0, 300.0, 90.0, 20.0]).reshape(4, 1, 1, 1)
    made = adc_map(*images(signal), noise_floor=50)
    assert made.used.item() == 3
    expected = adc_map(*images(signal[:3], B[:3])).adc.voxels.item()
    assert made.adc.voxels.item() == pytest.approx(expected, rel=1e-6)
    nothing = adc_map(*images(np.zeros((4, 1, 1, 1))))
    assert np.isnan(nothing.adc.voxels.item()) and nothing.used.item() == 0
    rising = adc_map(*images(np.array([100.0, 200.0]).reshape(2, 1, 1, 1), (0, 800)))
    assert rising.adc.voxels.item() == pytest.approx(-1e6 * np.log(2) / 800, rel=1e-6)


def test_images_that_do_not_belong_together_are_refused():
    volumes, _ = images(noisy(0, 1))
    with pytest.raises(CaseError, match=r"the b-values \(0, 800, 400, 1200\) do not increase"):
        adc_map(volumes, (0, 800, 400, 1200))
    with pytest.raises(CaseError, match="4 images with 3 b-values"):
        adc_map(volumes, (0, 400, 800))
    other = Volume(volumes[1].voxels, np.diag([2.0, 2, 4, 1]))
    with pytest.raises(CaseError, match="b = 400 is not on the grid of b = 0: its spacing"):
        adc_map([volumes[0], other], (0, 400))
