"""TorchIO's and MONAI's own images, where these libraries are installed: the features of the file, bit for bit."""

import numpy as np
import pytest

import radstudy
from radstudy import Roi, Volume
from unit.batch.lesions import write_lesions

SETTINGS = {"setting": {"binWidth": 10, "resampledPixelSpacing": [1.5, 1.5, 1.5]}, "imageType": {"Original": {}}}

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("default")]  # of the libraries' own


def test_torchio(tmp_path):
    torchio = pytest.importorskip("torchio")
    row = write_lesions(tmp_path).iloc[0]
    given = torchio.ScalarImage(row["image"]), torchio.LabelMap(row["mask"])
    assert radstudy.extract(*given, SETTINGS, label=1) == radstudy.extract(row["image"], row["mask"], SETTINGS, label=1)


def test_monai(tmp_path):
    transforms = pytest.importorskip("monai.transforms")
    row = write_lesions(tmp_path).iloc[0]
    load = transforms.LoadImage(image_only=True, ensure_channel_first=True)
    values = radstudy.extract(load(row["image"]), load(row["mask"]), SETTINGS, label=1)
    volume = Volume.read(row["image"])
    floats = Volume(volume.voxels.astype(np.float32), volume.affine)  # LoadImage makes float32 of every file
    assert values == radstudy.extract(floats, Roi.read(row["mask"], 1, volume), SETTINGS)
