"""The names that others call, with the arguments that they use."""

import inspect

import numpy as np
import pytest

import radstudy


def test_the_calls_take_the_arguments_that_others_give():
    assert list(inspect.signature(radstudy.extract).parameters)[:4] == ["image", "mask", "settings", "label"]
    assert list(inspect.signature(radstudy.extract_many).parameters) == ["cases", "settings", "jobs"]
    for kind in (radstudy.Volume, radstudy.Roi):
        assert all(callable(getattr(kind, name)) for name in ("from_sitk", "to_sitk", "from_nibabel", "to_nibabel"))
    parameters = inspect.signature(radstudy.n4).parameters
    assert list(parameters)[:2] == ["volume", "mask"]
    assert {name: parameters[name].default for name in ("shrink", "iterations", "convergence")} == {
        "shrink": 4, "iterations": (50, 40, 30), "convergence": 1e-4}  # fmt: skip
    assert list(inspect.signature(radstudy.Volume).parameters)[:4] == ["voxels", "affine", "unit", "stored_dtype"]
    assert list(inspect.signature(radstudy.Roi).parameters)[:4] == ["mask", "affine", "label", "reader"]
    assert "label" in inspect.signature(radstudy.Roi.read).parameters


@pytest.fixture
def lesion():
    rng = np.random.default_rng(0)
    voxels = rng.normal(500, 100, (24, 22, 20)).astype(np.float32)
    mask = np.zeros(voxels.shape, bool)
    mask[6:18, 5:17, 5:15] = True
    affine = np.diag([1.1, 1.1, 1.5, 1.0])
    return radstudy.Volume(voxels, affine), radstudy.Roi(mask, affine)


def test_extract_of_arrays(lesion):
    values = radstudy.extract(*lesion)
    assert len(values) == 1218
    for name in ("original_shape_MeshVolume", "log-sigma-2-0-mm-3D_glcm_Contrast", "wavelet-LLH_firstorder_Mean"):
        assert np.isfinite(values[name])
    few = radstudy.extract(*lesion, {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}})
    assert list(few) == ["original_firstorder_Mean"]


def test_n4_returns_the_volume_and_its_log_field(lesion):
    volume, _ = lesion
    corrected, log_field = radstudy.n4(volume, shrink=2, iterations=(3,))
    assert log_field.shape == volume.voxels.shape
    np.testing.assert_allclose(corrected.voxels, volume.voxels / np.exp(log_field), rtol=1e-5)


def test_statistics_have_the_promised_results():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    a, b = rng.normal(size=60) + y, rng.normal(size=60) + y
    agreement = radstudy.statistics.icc(np.column_stack([a, a + 0.1 * b]))
    assert agreement.ci[0] < agreement.value < agreement.ci[1]
    area = radstudy.statistics.auc_ci(y, a)
    assert area.ci[0] < area.auc < area.ci[1]
    test = radstudy.statistics.delong_test(y, a, b)
    assert test.ci[0] < test.difference < test.ci[1]
    assert 0 <= test.p_value <= 1
    assert radstudy.statistics.categorical_test([[10, 5], [3, 12]]).test
    assert radstudy.statistics.continuous_test(a[y == 0], a[y == 1]).p_value < 0.05
