"""The inputs of the tests on several processors, drawn once and kept in files."""

import json

import numpy as np

AFFINE = np.diag([-1.1, -1.1, 3.0, 1.0])


def write_numbers(folder):
    rng = np.random.default_rng(0)
    a, c = rng.uniform(-20, 20, 200_000), rng.uniform(-1, 1, 200_000)
    np.savez(folder / "numbers.npz", a=a, b=rng.uniform(0.01, 50, 200_000), c=c)


def biased(size, seed, dtype=np.float32):
    """Two tissues in air under a known field, with noise: voxels and the true foreground."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in size], indexing="ij"))
    inside = (grid**2).sum(axis=0) < 0.95
    tissue = np.where(np.sin(9 * grid[0]) * np.sin(7 * grid[1]) > 0, 600.0, 300.0) * inside
    voxels = tissue * np.exp(0.3 * grid[0] - 0.2 * grid[1] ** 2 + 0.1 * grid[2] * grid[0])
    return np.hypot(voxels + rng.normal(0, 8, size), rng.normal(0, 8, size)).astype(dtype), inside


def write_case(folder, name, voxels, affine=AFFINE, *, options=None, **more):
    """One volume for N4; `options` of the fit, its mask and its confidence where it has them."""
    np.savez(folder / f"case_{name}.npz", voxels=voxels, affine=affine, options=json.dumps(options or {}), **more)


def write_n4_cases(folder):
    """Volumes that take every way through the fit: all factors, masks, confidence, double precision, one slice."""
    for shrink in (2, 3, 4):
        write_case(folder, f"shrink{shrink}", biased((60, 52, 28), shrink)[0], options={"shrink": shrink})
    voxels, inside = biased((96, 88, 40), 5)  # several blocks of planes
    write_case(folder, "shrink1", voxels, mask=inside, options={"shrink": 1, "iterations": [6, 4, 3]})
    voxels, inside = biased((48, 52, 24), 6, np.float64)
    confidence = np.linspace(0.2, 1, 48)[:, None, None] * np.ones(voxels.shape)
    write_case(folder, "confidence", voxels, mask=inside, confidence=confidence, options={"shrink": 2})
    flat, inside = biased((64, 60, 1), 7)
    write_case(folder, "slice", flat, mask=inside, options={"shrink": [2, 2, 1]})
    rough = np.random.default_rng(8).normal(size=(50, 44, 20)) ** 2 * 300  # no field at all: the fit moves far
    write_case(folder, "rough", rough.astype(np.float32), options={"fwhm": 0.6})


def write_lesion(folder):
    """A small lobulated lesion in a volume with a field, int16."""
    rng = np.random.default_rng(20260101)
    size = (72, 68, 40)
    grid = np.stack(np.meshgrid(*[np.arange(n) - n / 2 for n in size], indexing="ij")) * np.array(
        [1.1, 1.1, 1.5])[:, None, None, None]  # fmt: skip
    radius = np.sqrt((grid**2).sum(axis=0))
    mask = radius < 8 * (1 + 0.12 * np.sin(3 * np.arctan2(grid[1], grid[0])))
    image = 300 + 40 * np.sin(grid[0] / 30) * np.cos(grid[1] / 25) + mask * (450 + 120 * np.sin(grid[0] / 3.5))
    image = image * (radius < 36) * np.exp(0.2 * grid[0] / 36) + rng.normal(0, 20, size)
    np.savez(folder / "lesion.npz", voxels=np.abs(image).astype(np.int16), mask=mask,
             affine=np.diag([-1.1, -1.1, 1.5, 1.0]))  # fmt: skip
