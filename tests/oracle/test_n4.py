"""Our N4 against SimpleITK's, run beside it: the log field within the foreground, its mean removed.

SimpleITK is a dependency, so the oracle runs live. Cases are small or shrunk so that the reference takes seconds.
"""

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.formats.raster import to_sitk
from radstudy.imaging.foreground import foreground
from radstudy.imaging.n4 import fit_bias_field
from radstudy.imaging.volume import Volume


def reference(volume, inside, shrink, iterations, threshold=1e-4):
    """SimpleITK's log field at full resolution, and how many iterations its last level ran."""
    image = sitk.Cast(to_sitk(volume.voxels, volume.affine), sitk.sitkFloat32)
    mask = to_sitk(inside, volume.affine)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(iterations))
    n4.SetConvergenceThreshold(threshold)
    n4.SetNumberOfControlPoints([4, 4, 4])
    n4.SetBiasFieldFullWidthAtHalfMaximum(0.15)
    n4.SetWienerFilterNoise(0.01)
    n4.SetNumberOfHistogramBins(200)
    n4.Execute(sitk.Shrink(image, [shrink] * 3), sitk.Shrink(mask, [shrink] * 3))
    field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).transpose(2, 1, 0)
    return field, n4.GetElapsedIterations() - 1  # ITK counts the test that ends the loop


def differences(volume, inside, shrink, iterations, threshold=1e-4):
    theirs, last = reference(volume, inside, shrink, iterations, threshold)
    fitted = fit_bias_field(volume, inside, shrink=shrink, iterations=iterations, convergence=threshold)
    apart = (fitted.log_field() - theirs)[inside]
    apart = apart - apart.mean()
    return np.sqrt((apart**2).mean()), np.abs(apart).max(), fitted.iterations[-1] - last


@pytest.mark.parametrize("shrink", [1, 2, 3, 4])
def test_a_synthetic_field_with_anisotropic_voxels(shrink):
    rng = np.random.default_rng(shrink)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (60, 52, 28)], indexing="ij"))
    inside = (grid**2).sum(axis=0) < 0.95
    tissue = np.where(np.sin(9 * grid[0]) * np.sin(7 * grid[1]) > 0, 600.0, 300.0)
    voxels = tissue * np.exp(0.3 * grid[0] - 0.2 * grid[1] ** 2) + rng.normal(scale=6, size=tissue.shape)
    volume = Volume(np.maximum(voxels, 1).astype(np.float32), np.diag([1.1, 1.1, 4.0, 1]))
    rms, largest, iterations = differences(volume, inside, shrink, (10, 8, 6))
    assert rms < 1e-4, (rms, largest)
    assert iterations == 0


@pytest.mark.parametrize(
    ("file", "shrink"), [("pyradiomics/brain1_image.nrrd", 4), ("sts/STS_001/MR_T1_image.nii.gz", 4),
                         ("sts/STS_005/MR_T1_image.nii.gz", 4), ("sts/STS_010/MR_T1_image.nii.gz", 4)]
)  # fmt: skip
def test_real_images_at_the_presets_settings(real_data, file, shrink):
    volume = Volume.read(real_data / file)
    rms, largest, iterations = differences(volume, foreground(volume), shrink, (50, 40, 30))
    assert rms < 1e-4, (rms, largest)
    assert iterations == 0


def test_convergence_stops_both_at_the_same_iteration(real_data):
    volume = Volume.read(real_data / "sts/STS_001/MR_T1_image.nii.gz")
    rms, _, iterations = differences(volume, foreground(volume), 4, (50, 40), threshold=2e-3)
    assert rms < 1e-4
    assert iterations == 0
