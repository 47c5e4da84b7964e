"""Texture features of a discretised lesion: GLCM, GLRLM, GLSZM, GLDM and NGTDM, as in PyRadiomics 3.0.1.

A lesion is cropped to its bounding box once, its matrices are counted over lesion voxels only, and all features are
computed from the matrices in one pass (`radstudy.features.kernels`). `textures` computes all families of one image
together; `glcm` and its siblings compute one.

Definitions: Haralick et al. 1973 (doi 10.1109/TSMC.1973.4309314), Galloway 1975, Thibault et al. 2014
(doi 10.1109/TBME.2013.2284600), Sun and Wee 1983, Amadasun and King 1989 (doi 10.1109/21.44046), and the IBSI
reference manual (arXiv:1612.07003). `radstudy.catalogue` lists where PyRadiomics departs from them.

NaN. A direction counts for the GLCM if it has a pair of lesion voxels and for the GLRLM if any of its lines has two
lesion voxels. If no direction counts (a single voxel; voxels too far apart), all GLCM and GLRLM features are NaN.
(PyRadiomics also returns NaN then, except for an InverseVariance of 0 or an MCC of 1, the results of empty sums.)
GLSZM, GLDM and NGTDM are never NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import CATALOGUE, feature_names
from radstudy.errors import UsageError
from radstudy.features.kernels import counting, formulas
from radstudy.features.packed import (
    Float64,
    PackedLesion,
    Spacing,
    both_ways,
    direction_weights,
    half_directions,
)
from radstudy.timing import timed

_SLOTS = {
    "glcm": formulas.GLCM_SLOTS,
    "glrlm": formulas.SIZE_SLOTS,
    "glszm": formulas.SIZE_SLOTS,
    "gldm": formulas.SIZE_SLOTS,
    "ngtdm": formulas.NGTDM_SLOTS,
}
_PLACES = {
    family: {one.name: slots.index(one.slot) for one in CATALOGUE if one.family == family and one.slot}
    for family, slots in _SLOTS.items()
}  # index of each feature in the values that its family's kernel returns

TEXTURES = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")


def glcm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    distances: Iterable[int] = (1,),
    force2d: int | None = None,
    symmetric: bool = True,
    weighting_norm: str | None = None,
    spacing_zyx: Spacing = (1.0, 1.0, 1.0),
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute the grey-level co-occurrence features, averaged over directions.

    Parameters
    ----------
    levels : int32 (z, y, x), grey level from 1 inside the lesion, 0 outside, as returned by `discretise`.
    n_levels : the highest grey level, which normalises Idn and Idmn.
    distances : Chebyshev distances of the neighbours, in voxels.
    force2d : axis of `levels` that directions may not leave; None for all directions.
    symmetric : count each pair in both directions.
    weighting_norm : infinity, euclidean, manhattan or no_weighting: directions are summed with weight exp(-d^2), d
        the length of the offset in mm in that norm (1 for no_weighting), before the features are computed. None
        averages the features.
    spacing_zyx : mm between voxels, for the weights.
    features : names; None for all 24. MCC, which needs singular values, is computed only if it is among them.

    Raises
    ------
    CaseError : the lesion has no voxels, or more than `MOST_GREY_LEVELS` grey levels.
    UsageError : an option or a feature is unknown.

    Examples
    --------
    >>> glcm(np.array([[[1, 2, 1, 2]]], dtype=np.int32), 2, features=["Contrast", "JointEnergy"])
    {'Contrast': 1.0, 'JointEnergy': 0.5}
    """
    names = feature_names("glcm", features)
    lesion = PackedLesion.of(levels, distances)
    weights = direction_weights(lesion.half(force2d), weighting_norm, spacing_zyx, squared_exponential=True)
    pairs = counting.count_pairs(lesion.dense, lesion.inside, lesion.offsets(force2d), lesion.grey.size)
    return _glcm_of(lesion, pairs, weights, weighting_norm is not None, symmetric, n_levels, names)


def glrlm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    force2d: int | None = None,
    weighting_norm: str | None = None,
    spacing_zyx: Spacing = (1.0, 1.0, 1.0),
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute the grey-level run length features, averaged over directions.

    Parameters
    ----------
    levels, n_levels, force2d, spacing_zyx : see `glcm`.
    weighting_norm : as for `glcm`, but a direction's weight is the length itself.
    features : names; None for all 16.

    Raises
    ------
    CaseError, UsageError : see `glcm`.

    Examples
    --------
    >>> glrlm(np.array([[[1, 1, 1, 2]]], dtype=np.int32), 2, features=["LongRunEmphasis"])
    {'LongRunEmphasis': 5.0}
    """
    names = feature_names("glrlm", features)
    lesion = PackedLesion.of(levels)
    weights = direction_weights(lesion.half(force2d), weighting_norm, spacing_zyx, squared_exponential=False)
    runs = counting.count_runs(
        lesion.dense, lesion.inside, lesion.offsets(force2d), lesion.grey.size, max(lesion.shape)
    )
    return _glrlm_of(lesion, runs, lesion.half(force2d), weights, weighting_norm is not None, names)


def glszm(
    levels: NDArray[np.int32], n_levels: int, *, force2d: int | None = None, features: Iterable[str] | None = None
) -> dict[str, float]:
    """Compute the grey-level size zone features; zones are 26-connected (8-connected with `force2d`).

    Parameters
    ----------
    levels, n_levels, force2d : see `glcm`.
    features : names; None for all 16.

    Raises
    ------
    CaseError, UsageError : see `glcm`.

    Examples
    --------
    >>> glszm(np.array([[[1, 1, 1, 2]]], dtype=np.int32), 2, features=["LargeAreaEmphasis", "ZonePercentage"])
    {'LargeAreaEmphasis': 5.0, 'ZonePercentage': 0.5}
    """
    return _glszm_of(PackedLesion.of(levels), force2d, feature_names("glszm", features))


def gldm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    distances: Iterable[int] = (1,),
    force2d: int | None = None,
    gldm_a: int = 0,
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute the grey-level dependence features.

    Parameters
    ----------
    levels, n_levels, distances, force2d : see `glcm`.
    gldm_a : neighbours within this many grey levels are dependent.
    features : names; None for all 14.

    Raises
    ------
    CaseError, UsageError : see `glcm`.

    Examples
    --------
    >>> gldm(np.array([[[1, 1, 1, 2]]], dtype=np.int32), 2, features=["LargeDependenceEmphasis"])
    {'LargeDependenceEmphasis': 4.5}
    """
    return _gldm_of(PackedLesion.of(levels, distances), force2d, gldm_a, feature_names("gldm", features))


def ngtdm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    distances: Iterable[int] = (1,),
    force2d: int | None = None,
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Compute the neighbouring grey tone difference features.

    Parameters
    ----------
    levels, n_levels, distances, force2d : see `glcm`.
    features : names; None for all 5.

    Raises
    ------
    CaseError, UsageError : see `glcm`.

    Examples
    --------
    >>> ngtdm(np.array([[[1, 1, 1, 1]]], dtype=np.int32), 1, features=["Coarseness"])
    {'Coarseness': 1000000.0}
    """
    return _ngtdm_of(PackedLesion.of(levels, distances), force2d, feature_names("ngtdm", features))


def textures(
    levels: NDArray[np.int32],
    n_levels: int,
    classes: Mapping[str, Iterable[str] | None] | Iterable[str] = TEXTURES,
    *,
    distances: Iterable[int] = (1,),
    force2d: int | None = None,
    symmetric: bool = True,
    weighting_norm: str | None = None,
    spacing_zyx: Spacing = (1.0, 1.0, 1.0),
    gldm_a: int = 0,
) -> dict[str, dict[str, float]]:
    """Compute several texture families of one image: the same values as with one call each, in less time.

    Parameters
    ----------
    classes : families, or families with the names of their features (None for all).
    levels, n_levels, distances, force2d, symmetric, weighting_norm, spacing_zyx : see `glcm`.
    gldm_a : see `gldm`.

    Returns
    -------
    values : family -> feature -> value, in the requested order.

    Raises
    ------
    CaseError : the lesion has no voxels, or more than `MOST_GREY_LEVELS` grey levels.
    UsageError : a family, an option or a feature is unknown.

    Examples
    --------
    >>> image = np.array([[[1, 1, 1, 2]]], dtype=np.int32)
    >>> textures(image, 2, {"glszm": ["ZonePercentage"], "gldm": ["GrayLevelVariance"]})
    {'glszm': {'ZonePercentage': 0.5}, 'gldm': {'GrayLevelVariance': 0.1875}}
    """
    asked = dict(classes) if isinstance(classes, Mapping) else dict.fromkeys(classes)
    unknown = [family for family in asked if family not in TEXTURES]
    if unknown:
        raise UsageError(f"unknown texture family {unknown[0]!r}; choose from {', '.join(TEXTURES)}")
    names = {family: feature_names(family, features) for family, features in asked.items()}
    lesion = PackedLesion.of(levels, distances)
    merge = weighting_norm is not None
    with timed("glcm, glrlm: counts"):
        pairs, runs = _counted(lesion, force2d, names)
    by_family: dict[str, dict[str, float]] = {}
    if "glcm" in names:
        weights = direction_weights(lesion.half(force2d), weighting_norm, spacing_zyx, squared_exponential=True)
        with timed("glcm"):
            by_family["glcm"] = _glcm_of(lesion, pairs, weights, merge, symmetric, n_levels, names["glcm"])
    if "glrlm" in names:
        near = half_directions((1,), force2d)
        weights = direction_weights(near, weighting_norm, spacing_zyx, squared_exponential=False)
        with timed("glrlm"):
            by_family["glrlm"] = _glrlm_of(lesion, runs, near, weights, merge, names["glrlm"])
    if "glszm" in names:
        with timed("glszm"):
            by_family["glszm"] = _glszm_of(lesion, force2d, names["glszm"])
    if "gldm" in names:
        with timed("gldm"):
            by_family["gldm"] = _gldm_of(lesion, force2d, gldm_a, names["gldm"])
    if "ngtdm" in names:
        with timed("ngtdm"):
            by_family["ngtdm"] = _ngtdm_of(lesion, force2d, names["ngtdm"])
    return {family: by_family[family] for family in names}


def _counted(
    lesion: PackedLesion, force2d: int | None, families: Iterable[str]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Count co-occurrence and run length matrices, each empty if not needed; in one pass if their directions agree."""
    n_grey, longest = lesion.grey.size, max(lesion.shape)
    needed = {"glcm", "glrlm"}.intersection(families)
    if len(needed) == 2 and lesion.distances == (1,):
        return counting.count_pairs_and_runs(lesion.dense, lesion.inside, lesion.near(force2d), n_grey, longest)
    pairs = runs = np.zeros((0, 0, 0), np.int32)
    if "glcm" in needed:
        pairs = counting.count_pairs(lesion.dense, lesion.inside, lesion.offsets(force2d), n_grey)
    if "glrlm" in needed:
        runs = counting.count_runs(lesion.dense, lesion.inside, lesion.near(force2d), n_grey, longest)
    return pairs, runs


def _named(family: str, values: Float64, names: tuple[str, ...], **others: float) -> dict[str, float]:
    """Return the requested features in order, from the kernel's values or from `others`, which it does not return."""
    places = _PLACES[family]
    return {name: others[name] if name in others else float(values[places[name]]) for name in names}


def _glcm_of(
    lesion: PackedLesion,
    pairs: NDArray[np.int32],
    weights: Float64,
    merge: bool,
    symmetric: bool,
    n_levels: int,
    names: tuple[str, ...],
) -> dict[str, float]:
    values = formulas.glcm_formulas(pairs, weights, merge, symmetric, lesion.grey, n_levels)
    if "MCC" not in names:
        return _named("glcm", values, names)
    return _named("glcm", values, names, MCC=_mcc(pairs, weights, merge, symmetric))


def _mcc(pairs: NDArray[np.int32], weights: Float64, merge: bool, symmetric: bool) -> float:
    """Compute the maximal correlation coefficient: the second singular value of p_ij / sqrt(p_i p_j), averaged.

    PyRadiomics takes the root of the second eigenvalue of sum_k p_ik p_jk / (p_i p_k), which is the same number.
    """
    matrices = pairs[:, 1:, 1:]
    weighted = (matrices + matrices.transpose(0, 2, 1) if symmetric else matrices) * weights[:, None, None]
    if merge:
        weighted = weighted.sum(axis=0, keepdims=True)
    weighted = weighted[weighted.sum(axis=(1, 2)) > 0]
    if not len(weighted):
        return float("nan")
    if weighted.shape[1] < 2:
        return 1.0
    scale = np.sqrt(weighted.sum(axis=2, keepdims=True) * weighted.sum(axis=1, keepdims=True))
    singular = np.linalg.svd(np.divide(weighted, scale, out=np.zeros_like(weighted), where=scale > 0), compute_uv=False)
    return float(singular[:, 1].mean())


def _glrlm_of(
    lesion: PackedLesion,
    runs: NDArray[np.int32],
    directions: NDArray[np.int64],
    weights: Float64,
    merge: bool,
    names: tuple[str, ...],
) -> dict[str, float]:
    several: NDArray[np.bool_] = np.any(runs[:, :, 1:], axis=(1, 2))
    for index in np.flatnonzero(~several):
        several[index] = counting.a_line_holds_two(
            lesion.dense, lesion.inside, np.array(lesion.strides), np.array(lesion.shape), max(lesion.distances),
            directions[index],
        )  # fmt: skip
    values = formulas.run_formulas(runs, np.where(several, weights, 0.0), merge, lesion.grey)
    return _named("glrlm", values, names)


def _glszm_of(lesion: PackedLesion, force2d: int | None, names: tuple[str, ...]) -> dict[str, float]:
    level, size = counting.zones(lesion.packed, lesion.inside, both_ways(lesion.near(force2d)))
    matrix, sizes = counting.zone_matrix(lesion.rank, level, size, lesion.grey.size)
    return _named("glszm", formulas.size_formulas(matrix, lesion.grey, sizes), names)


def _gldm_of(lesion: PackedLesion, force2d: int | None, gldm_a: int, names: tuple[str, ...]) -> dict[str, float]:
    offsets = both_ways(lesion.offsets(force2d))
    dependent = counting.dependences(lesion.packed, lesion.margin, offsets, gldm_a)
    matrix = counting.dependence_matrix(lesion.dense, lesion.inside, dependent, lesion.grey.size, offsets.size)
    sizes = np.arange(1.0, offsets.size + 2)
    return _named("gldm", formulas.size_formulas(matrix, lesion.grey, sizes), names)


def _ngtdm_of(lesion: PackedLesion, force2d: int | None, names: tuple[str, ...]) -> dict[str, float]:
    offsets = both_ways(lesion.offsets(force2d))
    differences = counting.neighbourhood_differences(
        lesion.packed, lesion.dense, lesion.inside, lesion.margin, offsets, lesion.grey.size
    )
    return _named("ngtdm", formulas.ngtdm_formulas(lesion.voxels, differences, lesion.grey), names)
