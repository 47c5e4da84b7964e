"""Intensity statistics and local intensity peaks.

References
----------
IBSI reference manual, sections 3.3 (intensity-based statistics, UHIW) and 3.2 (local intensity, 9ST6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.features.ibsi import kernels
from radstudy.features.ibsi.preparation import Float64, Stage

_PEAK_RADIUS_MM = 10.0 * (3.0 / (4.0 * np.pi)) ** (1.0 / 3.0)  # of a sphere of 1 cubic cm
_ON_THE_SPHERE_MM = 1e-9


def distribution(values: Float64) -> dict[str, float]:
    """Compute the statistics that intensities and grey levels share, by the last part of their IBSI tag.

    Parameters
    ----------
    values : (n,), not empty.

    Returns
    -------
    values : in the unit of `values` or its powers. Equal values have skew and kurt 0. cov is NaN if the mean is 0,
        qcod if the quartiles add up to 0, rmad if no value lies between the 10th and the 90th percentile.
    """
    p10, p25, median, p75, p90 = (float(value) for value in np.percentile(values, (10, 25, 50, 75, 90)))
    mean, apart = float(values.mean()), values - values.mean()
    variance = float((apart**2).mean())
    middle = values[(values >= p10) & (values <= p90)]
    return {
        "mean": mean,
        "var": variance,
        "skew": float((apart**3).mean()) / variance**1.5 if variance > 0 else 0.0,
        "kurt": float((apart**4).mean()) / variance**2 - 3.0 if variance > 0 else 0.0,
        "median": median,
        "min": float(values.min()),
        "p10": p10,
        "p90": p90,
        "max": float(values.max()),
        "iqr": p75 - p25,
        "range": float(values.max() - values.min()),
        "mad": float(np.abs(apart).mean()),
        "rmad": float(np.abs(middle - middle.mean()).mean()) if middle.size else float("nan"),
        "medad": float(np.abs(values - median).mean()),
        "cov": float(np.sqrt(variance)) / mean if mean != 0 else float("nan"),
        "qcod": (p75 - p25) / (p75 + p25) if p75 + p25 != 0 else float("nan"),
    }


def statistics(values: Float64) -> dict[str, float]:
    """Compute the intensity statistics, by IBSI tag.

    Parameters
    ----------
    values : (n,) intensities inside the intensity mask, not empty.

    Returns
    -------
    values : see `distribution`; energy is a sum over voxels, rms the root of its mean.

    Examples
    --------
    >>> statistics(np.array([1.0, 2.0, 3.0]))["stat_energy"]
    14.0
    """
    energy = float((values**2).sum())
    by_name = distribution(values) | {"energy": energy, "rms": float(np.sqrt(energy / values.size))}
    return {f"stat_{name}": value for name, value in by_name.items()}


def local_intensity(stage: Stage) -> dict[str, float]:
    """Compute the local (VJGA) and global (0F91) intensity peak: mean intensity in a sphere of 1 cubic cm.

    The local peak is the mean around the brightest voxel of the intensity mask (the highest mean if several voxels
    tie), the global peak the highest mean around any voxel of it. The sphere includes voxels outside the mask, but
    not outside the image.

    Parameters
    ----------
    stage : the lesion.

    Returns
    -------
    values : loc_peak_loc and loc_peak_glob in the image's unit.
    """
    centres = np.argwhere(stage.intensity_mask)
    means = kernels.sphere_means(stage.image, centres, _sphere(np.array(stage.spacing_mm)))
    brightest = stage.values == stage.values.max()
    return {"loc_peak_loc": float(means[brightest].max()), "loc_peak_glob": float(means.max())}


def _sphere(spacing: Float64) -> NDArray[np.int64]:
    """Return the offsets of the voxels whose centres lie within the peak's radius, (m, 3)."""
    reach = np.floor(_PEAK_RADIUS_MM / spacing).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    inside: NDArray[np.int64] = grid[np.linalg.norm(grid * spacing, axis=1) <= _PEAK_RADIUS_MM + _ON_THE_SPHERE_MM]
    return inside
