"""The same image gives the same bytes whatever PYTHONHASHSEED is: no sum and no row follows the order of a set."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import hashlib

import numpy as np

from radstudy import Roi, Volume, extract, extract_ibsi
from radstudy.features.ibsi.filters import Laws, SeparableWavelet
from radstudy.features.ibsi.response_maps import response_map

affine = np.diag([1.25, 1.25, 2.0, 1.0])
volume = Volume(np.random.default_rng(3).normal(300, 80, (14, 13, 10)).astype(np.float32), affine)
mask = np.zeros(volume.voxels.shape, dtype=bool)
mask[4:10, 4:9, 3:7] = True
settings = {
    "setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1]},
    "imageType": {"Original": {}, "Wavelet": {}},
    "featureClass": {name: None for name in ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")},
}
for found in (extract(volume, Roi(mask, affine), settings), extract_ibsi(volume, Roi(mask, affine), {"bin_count": 8})):
    for name, value in found.items():
        print(name, float(value).hex())
even = Volume(volume.voxels, np.eye(4))
for applied in (
    Laws(("L5", "E5", "S5"), rotation_invariant=True, energy_distance=2),
    SeparableWavelet("db2", "LLH", rotation_invariant=True),
    SeparableWavelet("coif1", "LHH", rotation_invariant=True),
):
    print(type(applied).__name__, hashlib.sha256(response_map(even, applied).voxels.tobytes()).hexdigest())
"""


def printed(seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_values_and_their_order_do_not_follow_the_seed_of_the_hashes():
    first, second = printed("1"), printed("2")
    assert len(first) > 800
    assert first == second
