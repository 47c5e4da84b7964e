"""The extraction settings that a study file asks for."""

import numpy as np
import pytest

from radstudy.features.extract import extract
from radstudy.features.of_study import her2_ihc2plus, settings_of_study
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.sections import Extract


def test_the_defaults_are_the_reference_studys(tmp_path):
    section = Extract.model_validate({"images": {"log_sigma_mm": [1, 2, 3, 4, 5], "wavelet": "coif1"}})
    assert settings_of_study(section, tmp_path).key() == her2_ihc2plus().key()


@pytest.mark.parametrize(
    ("section", "margin"),
    [
        ({"pad_voxels": 7}, 7),
        ({"pad_voxels": "exact", "images": {"log_sigma_mm": [1, 5]}}, 55),
        ({"pad_voxels": "exact", "images": {"log_sigma_mm": [3]}, "spacing_mm": [1, 1, 2]}, 33),
        ({"pad_voxels": "exact", "images": {"log_sigma_mm": []}}, 5),
    ],
)
def test_the_margin_is_a_number_of_voxels(section, margin, tmp_path):
    read = Extract.model_validate(section)
    assert read.margin_voxels == margin
    assert settings_of_study(read, tmp_path).pad_distance == margin


def test_an_exact_margin_gives_the_whole_images_laplacian(tmp_path):
    rng = np.random.default_rng(0)
    image = Volume(rng.normal(300, 60, (70, 72, 68)), np.diag([2.0, 2.0, 2.0, 1.0]))
    mask = np.zeros(image.voxels.shape, dtype=bool)
    mask[30:40, 31:41, 29:39] = True

    def values(**pad):
        images = {"original": False, "log_sigma_mm": [3], "wavelet": None}
        section = Extract.model_validate({"images": images, "features": {"firstorder": None}, **pad})
        return extract(image, Roi(mask, image.affine), settings_of_study(section, tmp_path))

    exact, further, five = values(pad_voxels="exact"), values(pad_voxels=50), values(pad_voxels=5)
    assert all(value == pytest.approx(further[name], rel=1e-6) for name, value in exact.items())
    assert five["log-sigma-3-0-mm-3D_firstorder_Variance"] != pytest.approx(
        exact["log-sigma-3-0-mm-3D_firstorder_Variance"], rel=1e-3
    )
