"""Random small lesions, made anew from a seed wherever they are needed (by the oracle script and by the test).

The module imports nothing but NumPy, so that the oracle's own environment can run them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Phantom:
    """One lesion: image and mask (z, y, x), spacing in mm, and PyRadiomics' settings by PyRadiomics' names."""

    name: str
    image: np.ndarray
    mask: np.ndarray
    spacing_zyx: tuple[float, float, float]
    settings: dict = field(default_factory=dict)
    families: tuple[str, ...] = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm", "shape")


def _smooth(rng, shape, passes):
    image = rng.normal(size=shape)
    for _ in range(passes):
        for axis in range(3):
            image = image + np.roll(image, 1, axis) + np.roll(image, -1, axis)
    return image / image.std()


def _ball(shape, rng, roughness):
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij"))
    return (grid**2).sum(axis=0) + roughness * rng.normal(size=shape) < 0.8


def phantoms() -> list[Phantom]:
    made: list[Phantom] = []

    def add(name, seed, shape, *, spacing=(1.0, 1.0, 1.0), passes=2, scale=60.0, offset=300.0, roughness=0.0,
            dtype="float64", families=None, **settings):  # fmt: skip
        rng = np.random.default_rng(seed)
        image = (_smooth(rng, shape, passes) * scale + offset).astype(dtype)
        mask = _ball(shape, rng, roughness)
        extra = {} if families is None else {"families": families}
        made.append(Phantom(name, image, mask, spacing, settings, **extra))

    texture = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    add("smooth", 1, (9, 11, 13))
    add("noise", 2, (9, 11, 13), passes=0)
    add("rough_mask", 3, (12, 10, 9), roughness=0.5)
    add("speckle_mask", 4, (7, 8, 9), roughness=3.0, spacing=(3.0, 0.7, 1.1))
    add("anisotropic", 5, (6, 14, 12), spacing=(4.0, 1.0, 0.8), roughness=0.2)
    add("negative", 6, (8, 8, 8), offset=0.0, scale=30.0)
    add("float32", 7, (8, 9, 10), dtype="float32", offset=-3.0, scale=9.0, binWidth=0.7)
    add("int16", 8, (8, 9, 10), dtype="int16", binWidth=25)
    add("narrow_bins", 9, (8, 9, 10), binWidth=1.3, families=texture)
    add("few_bins", 10, (10, 10, 10), binWidth=100, families=texture)
    add("bin_count", 11, (8, 9, 10), binCount=32, families=texture)
    add("bin_count_float32", 12, (8, 9, 10), binCount=17, dtype="float32", families=texture)
    add("multiples", 13, (7, 7, 7), passes=0, scale=2.0, offset=6.0, dtype="int16", binWidth=2, families=texture)
    add("flat", 14, (6, 6, 6), scale=0.0, offset=100.0)
    add("flat_off_edge", 15, (6, 6, 6), scale=0.0, offset=103.0)
    add("flat_bin_count", 16, (6, 6, 6), scale=0.0, offset=103.0, binCount=8, families=texture)
    add("distances_1_2", 17, (8, 9, 10), distances=[1, 2], families=texture)
    add("distance_3", 18, (5, 9, 10), distances=[3], families=texture)
    add("force2d_z", 19, (6, 9, 10), force2D=True, force2Ddimension=0, families=texture)
    add("force2d_x", 20, (6, 9, 5), force2D=True, force2Ddimension=2, families=texture)
    add("not_symmetric", 21, (8, 8, 8), symmetricalGLCM=False, families=("glcm",))
    for norm in ("infinity", "euclidean", "manhattan", "no_weighting"):
        add(f"weighting_{norm}", 22, (8, 9, 10), spacing=(1.5, 0.9, 0.8), weightingNorm=norm,
            families=("glcm", "glrlm"))  # fmt: skip
    add("gldm_a", 23, (8, 9, 10), gldm_a=2, families=("gldm",))
    add("shift", 24, (8, 9, 10), voxelArrayShift=1000, offset=-20.0, spacing=(2.0, 1.5, 1.0), families=("firstorder",))
    add("one_slice", 25, (1, 12, 11))
    add("one_row", 26, (1, 1, 14), families=texture)

    rng = np.random.default_rng(27)
    outlier = _smooth(rng, (8, 8, 8), 1) * 20 + 100
    outlier[4, 4, 4] = 4000.0  # leaves most grey levels empty
    made.append(Phantom("outlier", outlier, _ball((8, 8, 8), rng, 0.0), (1.0, 1.0, 1.0), {"binWidth": 5}, texture))

    apart = np.zeros((3, 5, 7), bool)
    apart[0, 0, 0] = apart[0, 0, 4] = apart[2, 4, 6] = apart[2, 3, 6] = True
    made.append(Phantom("scattered", rng.normal(100, 60, apart.shape), apart, (1.0, 1.0, 1.0), {}, texture))
    alone = np.zeros((3, 5, 7), bool)
    alone[0, 0, 0] = alone[0, 0, 4] = alone[2, 4, 0] = True  # a line holds two voxels, but none are neighbours
    made.append(Phantom("unconnected", rng.normal(100, 60, alone.shape), alone, (1.0, 1.0, 1.0), {}, texture))
    for index in range(6):
        cubes = rng.random((9, 9, 9)) < 0.15 * (index + 1)
        made.append(Phantom(f"cubes_{index}", np.zeros(cubes.shape), cubes, (1.7, 1.2, 0.6), {}, ("shape",)))
    for settings in ({}, {"weightingNorm": "euclidean"}):  # one direction, and it holds no pair
        ends = np.zeros((1, 1, 5), bool)
        ends[0, 0, 0] = ends[0, 0, 4] = True
        name = "ends_of_a_row" + "".join(f"_{value}" for value in settings.values())
        made.append(Phantom(name, rng.normal(100, 60, ends.shape), ends, (1.0, 1.0, 1.0), settings, ("glcm", "glrlm")))
    add("wide_range", 28, (10, 11, 12), scale=900.0, offset=2000.0, families=texture)
    made += _planes(rng)
    return made


def _planes(rng) -> list[Phantom]:
    """Lesions of one slice, for shape2D."""
    planes = []
    across_z = {"force2D": True, "force2Ddimension": 0}
    for index in range(6):
        pixels = rng.random((1, 12, 9)) < 0.15 * (index + 1)
        name, spacing = f"plane_{index}", (2.0, 1.2, 0.7)
        planes.append(Phantom(name, np.zeros(pixels.shape), pixels, spacing, across_z, ("shape2D",)))
    across_x = {"force2D": True, "force2Ddimension": 2}
    disc = _ball((11, 14, 1), rng, 0.1)
    planes.append(Phantom("plane_across_x", np.zeros(disc.shape), disc, (0.4, 0.3, 5.0), across_x, ("shape2D",)))
    return planes
