"""Texture features with all aggregations that IBSI defines.

"2D" computes a feature in each slice and averages; "2.5D" merges the slices' matrices; "3D" treats the lesion as one
volume. Co-occurrence and run length matrices also have directions (4 in a plane, 13 in 3D): "avg" averages over them,
"comb" merges them first. Neighbours are at a Chebyshev distance of 1, dependences within 0 grey levels.

References
----------
IBSI reference manual, sections 3.6 to 3.11: GLCM LFYI, GLRLM TP0I, GLSZM 9SAK, GLDZM VMDZ, NGTDM IPET, NGLDM REK0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from radstudy.features.ibsi import kernels
from radstudy.features.ibsi.preparation import Mask
from radstudy.features.kernels import counting, formulas
from radstudy.features.packed import Float64, PackedLesion, both_ways

Values = dict[tuple[str, str], float]

# dimension: end of the tag, IBSI's name of the aggregation
_AVERAGED = {
    "2D": ("2D_avg", "2D averaged"),
    "2.5D": ("2_5D_avg", "2.5D direction-merged"),
    "3D": ("3D_avg", "3D averaged"),
}
_MERGED = {
    "2D": ("2D_comb", "2D slice-merged"),
    "2.5D": ("2_5D_comb", "2.5D volume-merged"),
    "3D": ("3D_comb", "3D merged"),
}
_PLAIN = {"2D": ("2D", "2D"), "2.5D": ("2_5D", "2.5D"), "3D": ("3D", "3D")}

# tag: index in the values that the kernels return
_GLCM = {
    "cm_joint_max": formulas.MAXIMUM_PROBABILITY,
    "cm_joint_avg": formulas.JOINT_AVERAGE,
    "cm_joint_var": formulas.SUM_SQUARES,
    "cm_joint_entr": formulas.JOINT_ENTROPY,
    "cm_diff_avg": formulas.DIFFERENCE_AVERAGE,
    "cm_diff_var": formulas.DIFFERENCE_VARIANCE,
    "cm_diff_entr": formulas.DIFFERENCE_ENTROPY,
    "cm_sum_avg": formulas.SUM_AVERAGE,
    "cm_sum_var": formulas.CLUSTER_TENDENCY,
    "cm_sum_entr": formulas.SUM_ENTROPY,
    "cm_energy": formulas.JOINT_ENERGY,
    "cm_contrast": formulas.CONTRAST,
    "cm_dissimilarity": formulas.DIFFERENCE_AVERAGE,
    "cm_inv_diff": formulas.ID,
    "cm_inv_diff_norm": formulas.IDN,
    "cm_inv_diff_mom": formulas.IDM,
    "cm_inv_diff_mom_norm": formulas.IDMN,
    "cm_inv_var": formulas.INVERSE_VARIANCE,
    "cm_corr": formulas.CORRELATION,
    "cm_auto_corr": formulas.AUTOCORRELATION,
    "cm_clust_tend": formulas.CLUSTER_TENDENCY,
    "cm_clust_shade": formulas.CLUSTER_SHADE,
    "cm_clust_prom": formulas.CLUSTER_PROMINENCE,
    "cm_info_corr1": formulas.IMC1,
    "cm_info_corr2": formulas.IMC2,
}
# the four matrices of sizes share their formulas; each has its own terms for small, large and size
_SIZES = {
    "{small}e": formulas.SMALL,
    "{large}e": formulas.LARGE,
    "lg{one}e": formulas.LOW_GREY,
    "hg{one}e": formulas.HIGH_GREY,
    "{small}lge": formulas.SMALL_LOW_GREY,
    "{small}hge": formulas.SMALL_HIGH_GREY,
    "{large}lge": formulas.LARGE_LOW_GREY,
    "{large}hge": formulas.LARGE_HIGH_GREY,
    "glnu": formulas.GREY_NONUNIFORMITY,
    "glnu_norm": formulas.GREY_NONUNIFORMITY_NORMALISED,
    "{size}nu": formulas.SIZE_NONUNIFORMITY,
    "{size}nu_norm": formulas.SIZE_NONUNIFORMITY_NORMALISED,
    "{share}_perc": formulas.PERCENTAGE,
    "gl_var": formulas.GREY_VARIANCE,
    "{size}_var": formulas.SIZE_VARIANCE,
    "{size}_entr": formulas.ENTROPY,
}


def _size_tags(family: str, **words: str) -> dict[str, int]:
    return {f"{family}_{pattern.format(**words)}": place for pattern, place in _SIZES.items()}


_GLRLM = _size_tags("rlm", small="sr", large="lr", one="r", size="rl", share="r")
_GLSZM = _size_tags("szm", small="sz", large="lz", one="z", size="zs", share="z")
_GLDZM = _size_tags("dzm", small="sd", large="ld", one="z", size="zd", share="z")
_NGLDM = _size_tags("ngl", small="ld", large="hd", one="c", size="dc", share="dc")
_ENERGY = len(formulas.SIZE_SLOTS)  # one more value than the others have
_NGLDM["ngl_dc_energy"] = _ENERGY
_NGTDM = {
    "ngt_coarseness": formulas.COARSENESS,
    "ngt_contrast": formulas.NGTDM_CONTRAST,
    "ngt_busyness": formulas.BUSYNESS,
    "ngt_complexity": formulas.COMPLEXITY,
    "ngt_strength": formulas.STRENGTH,
}


@dataclass(frozen=True, eq=False)
class _Lesion:
    """A packed lesion, treated slice by slice or as a whole."""

    packed: PackedLesion
    distance: NDArray[np.int32]
    by_slice: bool
    n_levels: int

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Offsets to direct neighbours, one of each pair of opposites."""
        return self.packed.near(0 if self.by_slice else None)

    def slice_of(self, index: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the slice of packed indices, (n,), numbered from 0 without gaps; all 0 for the whole lesion."""
        if not self.by_slice:
            return np.zeros(index.size, np.int64)
        plane = self.packed.strides[0]
        return np.searchsorted(np.unique(self.packed.inside // plane), index // plane).astype(np.int64)

    @cached_property
    def part(self) -> NDArray[np.int64]:
        """The slice of each voxel, (n,)."""
        return self.slice_of(self.packed.inside)

    @cached_property
    def parts(self) -> list[NDArray[np.int32]]:
        """The voxels of each slice."""
        starts = np.flatnonzero(np.diff(self.part)) + 1
        return np.split(self.packed.inside, starts)


def textures(levels: NDArray[np.int32], morphological_mask: Mask, n_levels: int, dimensions: Iterable[str]) -> Values:
    """Compute all texture features, by (IBSI tag, aggregation).

    Parameters
    ----------
    levels : int32 (z, y, x), grey levels from 1 inside the intensity mask, 0 outside.
    morphological_mask : bool (z, y, x); the distances of the distance zones are measured from its border.
    n_levels : number of grey-level bins, for the normalised inverse differences.
    dimensions : any of "2D", "2.5D" and "3D".

    Returns
    -------
    values : co-occurrence and NGTDM features are NaN where no two voxels are neighbours; an average leaves out slices
        (and directions) without neighbours. A slice without contrast has a coarseness of 1,000,000.

    Raises
    ------
    CaseError : the lesion has no voxels, or more than `MOST_GREY_LEVELS` grey levels.
    """
    wanted = set(dimensions)
    packed = PackedLesion.of(levels)
    values: Values = {}
    for by_slice, names in ((True, ("2D", "2.5D")), (False, ("3D",))):
        asked = [name for name in names if name in wanted]
        if asked:
            distance = _packed_distance(packed, levels, morphological_mask, by_slice)
            lesion = _Lesion(packed, distance, by_slice, n_levels)
            values |= _pairs_and_runs(lesion, asked) | _others(lesion, asked)
    return values


# --- matrices with directions ------------------------------------------------------------------------------------


def _pairs_and_runs(lesion: _Lesion, dimensions: list[str]) -> Values:
    """Compute co-occurrence and run length features, holding the matrices of only one slice at a time."""
    rows: dict[str, tuple[list[Float64], list[Float64]]] = {"cm": ([], []), "rlm": ([], [])}
    all_pairs = all_runs = np.zeros((), np.int32)
    for voxels in lesion.parts:
        pairs, runs = counting.count_pairs_and_runs(
            lesion.packed.dense, voxels, lesion.offsets, lesion.packed.grey.size, max(lesion.packed.shape)
        )
        all_pairs, all_runs = all_pairs + pairs, all_runs + runs
        if "2D" in dimensions:
            rows["cm"][0].extend(_glcm(pairs[n : n + 1], lesion, False) for n in range(len(pairs)))
            rows["cm"][1].append(_glcm(pairs, lesion, True))
            rows["rlm"][0].append(_glrlm(runs, lesion, False))
            rows["rlm"][1].append(_glrlm(runs, lesion, True))
    values: Values = {}
    for dimension in dimensions:
        if dimension == "2D":
            cm, rlm = ([_mean(one) for one in rows[name]] for name in ("cm", "rlm"))
        else:
            cm = [_glcm(all_pairs, lesion, merge) for merge in (False, True)]
            rlm = [_glrlm(all_runs, lesion, merge) for merge in (False, True)]
        for tags, results in ((_GLCM, cm), (_GLRLM, rlm)):
            values |= _named(tags, results[0], _AVERAGED[dimension]) | _named(tags, results[1], _MERGED[dimension])
    return values


def _glcm(pairs: NDArray[np.int32], lesion: _Lesion, merge: bool) -> Float64:
    weights = np.ones(len(pairs))
    return formulas.glcm_formulas(pairs, weights, merge, True, lesion.packed.grey, lesion.n_levels)


def _glrlm(runs: NDArray[np.int32], lesion: _Lesion, merge: bool) -> Float64:
    return formulas.run_formulas(runs, np.ones(len(runs)), merge, lesion.packed.grey)


def _mean(rows: list[Float64]) -> Float64:
    """Compute the mean over the rows that are not NaN; NaN if all are."""
    kept = [row for row in rows if not np.isnan(row).any()]
    return np.mean(kept, axis=0) if kept else rows[0]


def _named(tags: dict[str, int], values: Float64, aggregation: tuple[str, str]) -> Values:
    end, name = aggregation
    return {(f"{tag}_{end}", name): float(values[place]) for tag, place in tags.items()}


# --- matrices without directions ---------------------------------------------------------------------------------


def _others(lesion: _Lesion, dimensions: list[str]) -> Values:
    """Compute size zone, distance zone, neighbourhood difference and dependence features."""
    packed = lesion.packed
    first, level, size, distance = kernels.zones(
        packed.packed, packed.inside, both_ways(lesion.offsets), lesion.distance
    )
    slices = lesion.slice_of(first)
    counted = (
        (_GLSZM, list(_zone_rows(lesion, slices, level, size))),
        (_GLDZM, list(_zone_rows(lesion, slices, level, distance))),
        (_NGTDM, list(_difference_rows(lesion))),
        (_NGLDM, list(_dependence_rows(lesion))),
    )
    values: Values = {}
    for tags, rows in counted:
        for dimension in dimensions:
            row = _mean(rows[:-1]) if dimension == "2D" else rows[-1]
            values |= _named(tags, row, _PLAIN[dimension])
    return values


def _zone_rows(
    lesion: _Lesion, slices: NDArray[np.int64], level: NDArray[np.int32], size: NDArray[np.int32]
) -> Iterator[Float64]:
    """Yield the features of each slice's zones, then of all zones, counted by level and by size (or distance)."""
    packed = lesion.packed
    chosen = [(slices == number, voxels.size) for number, voxels in enumerate(lesion.parts)]
    for kept, n_voxels in (*chosen, (np.ones(slices.size, np.bool_), packed.inside.size)):
        matrix, sizes = counting.zone_matrix(packed.rank, level[kept], size[kept], packed.grey.size)
        row = formulas.size_formulas(matrix, packed.grey, sizes)
        row[formulas.PERCENTAGE] = matrix.sum() / n_voxels
        yield row


def _difference_rows(lesion: _Lesion) -> Iterator[Float64]:
    packed = lesion.packed
    voxels, differences = kernels.neighbourhoods(
        packed.packed, packed.dense, packed.inside, lesion.part, both_ways(lesion.offsets), packed.grey.size,
        len(lesion.parts),
    )  # fmt: skip
    for count, difference in zip((*voxels, voxels.sum(axis=0)), (*differences, differences.sum(axis=0)), strict=True):
        yield _ngtdm(count, difference, packed.grey)


def _ngtdm(count: Float64, difference: Float64, grey: Float64) -> Float64:
    present = count > 0
    if not present.any():
        return np.full(len(formulas.NGTDM_SLOTS), np.nan)
    return formulas.ngtdm_formulas(count[present], difference[present], grey[present])


def _dependence_rows(lesion: _Lesion) -> Iterator[Float64]:
    packed, offsets = lesion.packed, both_ways(lesion.offsets)
    dependent = counting.dependences(packed.packed, packed.margin, offsets, 0)
    sizes = np.arange(1.0, offsets.size + 2)
    for voxels in (*lesion.parts, packed.inside):
        matrix = counting.dependence_matrix(packed.dense, voxels, dependent, packed.grey.size, offsets.size)
        row = formulas.size_formulas(matrix, packed.grey, sizes)
        row[formulas.PERCENTAGE] = 1.0  # every voxel has one dependence, if only with itself
        yield np.append(row, ((matrix / matrix.sum()) ** 2).sum())


def _packed_distance(
    packed: PackedLesion, levels: NDArray[np.int32], morphological_mask: Mask, by_slice: bool
) -> NDArray[np.int32]:
    """Count the steps over faces from each voxel to the nearest one outside the morphological mask, packed."""
    padded = np.pad(morphological_mask, 1)
    if by_slice:
        steps = np.stack([ndimage.distance_transform_cdt(plane, metric="taxicab") for plane in padded])
    else:
        steps = ndimage.distance_transform_cdt(padded, metric="taxicab")
    distance = np.zeros(packed.packed.size, np.int32)
    distance[packed.inside] = steps[1:-1, 1:-1, 1:-1][levels > 0]
    return distance
