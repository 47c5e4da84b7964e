"""Texture features of a discretised lesion: GLCM, GLRLM, GLSZM, GLDM and NGTDM, as PyRadiomics 3.0.1.

One lesion is cropped to its bounding box once, its matrices are counted over lesion voxels only, and every feature is
read from the matrices in one pass (`radstudy.features.kernels`). `textures` does all families of one image together;
`glcm` and its siblings do one.

Definitions: Haralick et al. 1973 (doi 10.1109/TSMC.1973.4309314), Galloway 1975, Thibault et al. 2014
(doi 10.1109/TBME.2013.2284600), Sun and Wee 1983, Amadasun and King 1989 (doi 10.1109/21.44046), and the IBSI
reference manual (arXiv:1612.07003). Where PyRadiomics departs from them is in `radstudy.catalogue`.

NaN. A direction counts for the GLCM if it holds a pair of lesion voxels and for the GLRLM if any of its lines holds
two lesion voxels. Where no direction counts (a single voxel; voxels too far apart) all GLCM and GLRLM features are
NaN. (There PyRadiomics gives NaN too, but for an InverseVariance of 0 or an MCC of 1 that come from summing nothing.)
GLSZM, GLDM and NGTDM are never NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import feature_names
from radstudy.errors import CaseError, UsageError
from radstudy.features.kernels import counting, formulas

Float64 = NDArray[np.float64]
Spacing = tuple[float, float, float]

# The order in which the kernels return their values; "" is a value that PyRadiomics has no feature for.
_GLCM_ORDER = tuple(name for name in feature_names("glcm") if name != "MCC")
_GLRLM_ORDER = feature_names("glrlm")
_GLSZM_ORDER = (
    "GrayLevelNonUniformity", "GrayLevelNonUniformityNormalized", "GrayLevelVariance", "HighGrayLevelZoneEmphasis",
    "LargeAreaEmphasis", "LargeAreaHighGrayLevelEmphasis", "LargeAreaLowGrayLevelEmphasis", "LowGrayLevelZoneEmphasis",
    "ZoneEntropy", "SizeZoneNonUniformity", "SizeZoneNonUniformityNormalized", "ZonePercentage", "ZoneVariance",
    "SmallAreaEmphasis", "SmallAreaHighGrayLevelEmphasis", "SmallAreaLowGrayLevelEmphasis",
)  # fmt: skip
_GLDM_ORDER = (
    "GrayLevelNonUniformity", "", "GrayLevelVariance", "HighGrayLevelEmphasis", "LargeDependenceEmphasis",
    "LargeDependenceHighGrayLevelEmphasis", "LargeDependenceLowGrayLevelEmphasis", "LowGrayLevelEmphasis",
    "DependenceEntropy", "DependenceNonUniformity", "DependenceNonUniformityNormalized", "", "DependenceVariance",
    "SmallDependenceEmphasis", "SmallDependenceHighGrayLevelEmphasis", "SmallDependenceLowGrayLevelEmphasis",
)  # fmt: skip
_NGTDM_ORDER = feature_names("ngtdm")

TEXTURES = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")
MOST_GREY_LEVELS = 5000  # whose 13 co-occurrence matrices take 1.3 GB
WEIGHTINGS = ("infinity", "euclidean", "manhattan", "no_weighting")


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
    """Grey-level co-occurrence features, averaged over directions.

    Parameters
    ----------
    levels : int32 (z, y, x), grey level from 1 inside the lesion, 0 outside, as `discretise` gives them.
    n_levels : the highest grey level, which normalises Idn and Idmn.
    distances : Chebyshev distances of the neighbours, in voxels.
    force2d : axis of `levels` that directions may not leave; None for all directions.
    symmetric : count each pair both ways.
    weighting_norm : one of `WEIGHTINGS`: directions are summed with weight exp(-d^2), d the length of the offset in
        mm in that norm (1 for no_weighting), before the features are computed. None averages the features.
    spacing_zyx : mm between voxels, for the weights.
    features : names; None for all 24. MCC, which needs singular values, is computed only if it is among them.

    Raises
    ------
    CaseError : no voxel is inside, or more than `MOST_GREY_LEVELS` grey levels are.
    UsageError : an option or a feature is unknown.

    Examples
    --------
    >>> glcm(np.array([[[1, 2, 1, 2]]], dtype=np.int32), 2, features=["Contrast", "JointEnergy"])
    {'Contrast': 1.0, 'JointEnergy': 0.5}
    """
    names = feature_names("glcm", features)
    region = _Region.of(levels, distances)
    weights = _weights(region.half(force2d), weighting_norm, spacing_zyx, squared_exponential=True)
    pairs = counting.count_pairs(region.dense, region.inside, region.offsets(force2d), region.grey.size)
    return _glcm_of(region, pairs, weights, weighting_norm is not None, symmetric, n_levels, names)


def glrlm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    force2d: int | None = None,
    weighting_norm: str | None = None,
    spacing_zyx: Spacing = (1.0, 1.0, 1.0),
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Grey-level run length features, averaged over directions.

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
    region = _Region.of(levels)
    weights = _weights(region.half(force2d), weighting_norm, spacing_zyx, squared_exponential=False)
    runs = counting.count_runs(
        region.dense, region.inside, region.offsets(force2d), region.grey.size, max(region.shape)
    )
    return _glrlm_of(region, runs, region.half(force2d), weights, weighting_norm is not None, names)


def glszm(
    levels: NDArray[np.int32], n_levels: int, *, force2d: int | None = None, features: Iterable[str] | None = None
) -> dict[str, float]:
    """Grey-level size zone features; zones are 26-connected (8-connected with `force2d`).

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
    return _glszm_of(_Region.of(levels), force2d, feature_names("glszm", features))


def gldm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    distances: Iterable[int] = (1,),
    force2d: int | None = None,
    gldm_a: int = 0,
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Grey-level dependence features.

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
    return _gldm_of(_Region.of(levels, distances), force2d, gldm_a, feature_names("gldm", features))


def ngtdm(
    levels: NDArray[np.int32],
    n_levels: int,
    *,
    distances: Iterable[int] = (1,),
    force2d: int | None = None,
    features: Iterable[str] | None = None,
) -> dict[str, float]:
    """Neighbouring grey tone difference features.

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
    return _ngtdm_of(_Region.of(levels, distances), force2d, feature_names("ngtdm", features))


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
    """Several texture families of one image: the same values as one call each, in less time.

    Parameters
    ----------
    classes : families, or families with the names of their features (None for all).
    levels, n_levels, distances, force2d, symmetric, weighting_norm, spacing_zyx : see `glcm`.
    gldm_a : see `gldm`.

    Returns
    -------
    values : family -> feature -> value, in the order asked for.

    Raises
    ------
    CaseError : no voxel is inside, or more than `MOST_GREY_LEVELS` grey levels are.
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
        raise UsageError(f"there is no texture family {unknown[0]!r}; there are {', '.join(TEXTURES)}")
    names = {family: feature_names(family, features) for family, features in asked.items()}
    region = _Region.of(levels, distances)
    half, merge = region.half(force2d), weighting_norm is not None
    by_family: dict[str, dict[str, float]] = {}
    together = region.distances == (1,) and "glcm" in names and "glrlm" in names
    n_grey, longest = region.grey.size, max(region.shape)
    if together:
        pairs, runs = counting.count_pairs_and_runs(
            region.dense, region.inside, region.offsets(force2d), n_grey, longest
        )
    elif "glcm" in names:
        pairs = counting.count_pairs(region.dense, region.inside, region.offsets(force2d), n_grey)
    if "glrlm" in names and not together:
        runs = counting.count_runs(region.dense, region.inside, region.near(force2d), n_grey, longest)
    if "glcm" in names:
        weights = _weights(half, weighting_norm, spacing_zyx, squared_exponential=True)
        by_family["glcm"] = _glcm_of(region, pairs, weights, merge, symmetric, n_levels, names["glcm"])
    if "glrlm" in names:
        near = _half_directions((1,), force2d)
        weights = _weights(near, weighting_norm, spacing_zyx, squared_exponential=False)
        by_family["glrlm"] = _glrlm_of(region, runs, near, weights, merge, names["glrlm"])
    if "glszm" in names:
        by_family["glszm"] = _glszm_of(region, force2d, names["glszm"])
    if "gldm" in names:
        by_family["gldm"] = _gldm_of(region, force2d, gldm_a, names["gldm"])
    if "ngtdm" in names:
        by_family["ngtdm"] = _ngtdm_of(region, force2d, names["ngtdm"])
    return {family: by_family[family] for family in names}


@dataclass(frozen=True, eq=False)
class _Region:
    """A lesion's bounding box, flat and padded with zeros.

    `packed` holds its levels, `inside` the indices of its voxels, `grey` the levels that are present and `voxels`
    how many voxels each has; `shape` is the box's, `strides` those of the padded box.
    """

    packed: NDArray[np.int32]
    inside: NDArray[np.int32]
    grey: Float64
    voxels: Float64
    rank: NDArray[np.int32]
    shape: tuple[int, int, int]
    strides: tuple[int, int, int]
    distances: tuple[int, ...]

    @classmethod
    def of(cls, levels: NDArray[np.int32], distances: Iterable[int] = (1,)) -> _Region:
        grid = np.ascontiguousarray(levels, dtype=np.int32)
        reach = tuple(distances)
        if not reach or any(distance < 1 for distance in reach):
            raise UsageError(f"distances are {list(reach)}; give whole numbers of voxels from 1")
        box = counting.bounding_box(grid)
        if box[6] == 0:
            raise CaseError("the lesion has no voxels", "draw the lesion")
        packed, inside, histogram = counting.pack(grid, box, max(reach))
        present = np.flatnonzero(histogram)
        if present.size > MOST_GREY_LEVELS:
            raise CaseError(
                f"the lesion has {present.size} grey levels, textures take at most {MOST_GREY_LEVELS}",
                "use a wider bin or a bin count",
            )
        rank = np.zeros(histogram.size, np.int32)
        rank[present] = np.arange(1, present.size + 1)
        deep, high, wide = (int(box[2 * axis + 1] - box[2 * axis]) + 1 for axis in range(3))
        row = wide + 2 * max(reach)
        strides = ((high + 2 * max(reach)) * row, row, 1)
        return cls(
            packed, inside, present.astype(np.float64), histogram[present].astype(np.float64), rank,
            (deep, high, wide), strides, reach,
        )  # fmt: skip

    @cached_property
    def dense(self) -> NDArray[np.int32]:
        """`packed` with levels replaced by their rank among those present; the same array if none is missing."""
        if self.grey.size == self.rank.size - 1:
            return self.packed
        return counting.relabel(self.packed, self.inside, self.rank)

    @property
    def margin(self) -> int:
        """Elements of padding at either end of `packed`: no offset is longer."""
        return max(self.distances) * sum(self.strides)

    def half(self, force2d: int | None) -> NDArray[np.int64]:
        """One-way directions (n, 3) at the region's distances."""
        return _half_directions(self.distances, force2d)

    def offsets(self, force2d: int | None) -> NDArray[np.int64]:
        """The directions of `half` as steps in the packed array."""
        steps: NDArray[np.int64] = self.half(force2d) @ np.array(self.strides)
        return steps

    def near(self, force2d: int | None) -> NDArray[np.int64]:
        """One-way steps to direct neighbours, whatever the region's distances."""
        steps: NDArray[np.int64] = _half_directions((1,), force2d) @ np.array(self.strides)
        return steps


def _both_ways(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([offsets, -offsets])


@cache
def _half_directions(distances: tuple[int, ...], force2d: int | None) -> NDArray[np.int64]:
    """Offsets (n, 3) at the given Chebyshev distances, the first of each pair of opposites."""
    if force2d not in (None, 0, 1, 2):
        raise UsageError(f"force2d is {force2d}; give the axis 0, 1 or 2, or None")
    reach = range(-max(distances), max(distances) + 1)
    found = [
        offset
        for offset in product(reach, repeat=3)
        if offset > (0, 0, 0) and max(map(abs, offset)) in distances and (force2d is None or offset[force2d] == 0)
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def _weights(
    directions: NDArray[np.int64], norm: str | None, spacing_zyx: Spacing, *, squared_exponential: bool
) -> Float64:
    """Weight (n,) of each direction."""
    if norm is None or norm == "no_weighting":
        return np.ones(len(directions))
    apart = np.abs(directions) * np.asarray(spacing_zyx, dtype=np.float64)
    if norm not in WEIGHTINGS:
        raise UsageError(f"weighting_norm is {norm!r}; give one of {', '.join(WEIGHTINGS)} or None")
    order = {"infinity": np.inf, "euclidean": 2, "manhattan": 1}[norm]
    length: Float64 = np.linalg.norm(apart, ord=order, axis=1)
    return np.exp(-(length**2)) if squared_exponential else length


def _named(order: tuple[str, ...], values: Float64, names: tuple[str, ...]) -> dict[str, float]:
    by_name = dict(zip(order, values.tolist(), strict=True))
    return {name: by_name[name] for name in names}


def _glcm_of(
    region: _Region,
    pairs: NDArray[np.int32],
    weights: Float64,
    merge: bool,
    symmetric: bool,
    n_levels: int,
    names: tuple[str, ...],
) -> dict[str, float]:
    values = formulas.glcm_formulas(pairs, weights, merge, symmetric, region.grey, n_levels)
    if "MCC" not in names:
        return _named(_GLCM_ORDER, values, names)
    return _named((*_GLCM_ORDER, "MCC"), np.append(values, _mcc(pairs, weights, merge, symmetric)), names)


def _mcc(pairs: NDArray[np.int32], weights: Float64, merge: bool, symmetric: bool) -> float:
    """Maximal correlation coefficient: the second singular value of p_ij / sqrt(p_i p_j), averaged over directions.

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
    region: _Region,
    runs: NDArray[np.int32],
    directions: NDArray[np.int64],
    weights: Float64,
    merge: bool,
    names: tuple[str, ...],
) -> dict[str, float]:
    several: NDArray[np.bool_] = np.any(runs[:, :, 1:], axis=(1, 2))
    for index in np.flatnonzero(~several):
        several[index] = _a_line_holds_two(region, directions[index])
    values = formulas.run_formulas(runs, np.where(several, weights, 0.0), merge, region.grey)
    return _named(_GLRLM_ORDER, values, names)


def _a_line_holds_two(region: _Region, direction: NDArray[np.int64]) -> bool:
    """Whether two lesion voxels, next to each other or not, lie on one line along the direction."""
    row = region.strides[1]
    z, rest = np.divmod(region.inside, region.strides[0])
    places = np.stack([z, rest // row, rest % row], axis=1)
    axis = int(np.flatnonzero(direction)[0])
    starts = places - places[:, axis : axis + 1] * (direction * direction[axis])
    return len(np.unique(starts, axis=0)) < len(starts)


def _glszm_of(region: _Region, force2d: int | None, names: tuple[str, ...]) -> dict[str, float]:
    level, size = counting.zones(region.packed, region.inside, _both_ways(region.near(force2d)))
    matrix, sizes = counting.zone_matrix(region.rank, level, size, region.grey.size)
    return _named(_GLSZM_ORDER, formulas.size_formulas(matrix, region.grey, sizes), names)


def _gldm_of(region: _Region, force2d: int | None, gldm_a: int, names: tuple[str, ...]) -> dict[str, float]:
    offsets = _both_ways(region.offsets(force2d))
    dependent = counting.dependences(region.packed, region.margin, offsets, gldm_a)
    matrix = counting.dependence_matrix(region.dense, region.inside, dependent, region.grey.size, offsets.size)
    sizes = np.arange(1.0, offsets.size + 2)
    return _named(_GLDM_ORDER, formulas.size_formulas(matrix, region.grey, sizes), names)


def _ngtdm_of(region: _Region, force2d: int | None, names: tuple[str, ...]) -> dict[str, float]:
    offsets = _both_ways(region.offsets(force2d))
    differences = counting.neighbourhood_differences(
        region.packed, region.dense, region.inside, region.margin, offsets, region.grey.size
    )
    return _named(_NGTDM_ORDER, formulas.ngtdm_formulas(region.voxels, differences, region.grey), names)
