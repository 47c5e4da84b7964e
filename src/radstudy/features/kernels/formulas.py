"""Texture formulas over grey-level matrices, fused so that each matrix is read once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Counts = NDArray[np.int32] | NDArray[np.float64]

EPS = 2.0**-52  # PyRadiomics adds it to probabilities and divisors that may be 0
ROUNDING = 1e-13  # a difference of two entropies smaller than this is rounding

# The names of the values that the kernels return, in their order. (compile-time constants)
GLCM_SLOTS = (
    "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation",
    "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2",
    "InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MaximumProbability", "SumAverage",
    "SumEntropy", "SumSquares",
)  # fmt: skip
SIZE_SLOTS = (
    "GreyNonUniformity", "GreyNonUniformityNormalised", "GreyVariance", "HighGrey", "Large", "LargeHighGrey",
    "LargeLowGrey", "LowGrey", "Entropy", "SizeNonUniformity", "SizeNonUniformityNormalised", "Percentage",
    "SizeVariance", "Small", "SmallHighGrey", "SmallLowGrey",
)  # fmt: skip
NGTDM_SLOTS = (
    "Busyness", "Coarseness", "Complexity", "Contrast", "Strength",
)  # fmt: skip
_N_GLCM, _N_SIZE, _N_NGTDM = len(GLCM_SLOTS), len(SIZE_SLOTS), len(NGTDM_SLOTS)

AUTOCORRELATION = GLCM_SLOTS.index("Autocorrelation")
CLUSTER_PROMINENCE = GLCM_SLOTS.index("ClusterProminence")
CLUSTER_SHADE = GLCM_SLOTS.index("ClusterShade")
CLUSTER_TENDENCY = GLCM_SLOTS.index("ClusterTendency")
CONTRAST = GLCM_SLOTS.index("Contrast")
CORRELATION = GLCM_SLOTS.index("Correlation")
DIFFERENCE_AVERAGE = GLCM_SLOTS.index("DifferenceAverage")
DIFFERENCE_ENTROPY = GLCM_SLOTS.index("DifferenceEntropy")
DIFFERENCE_VARIANCE = GLCM_SLOTS.index("DifferenceVariance")
ID = GLCM_SLOTS.index("Id")
IDM = GLCM_SLOTS.index("Idm")
IDMN = GLCM_SLOTS.index("Idmn")
IDN = GLCM_SLOTS.index("Idn")
IMC1 = GLCM_SLOTS.index("Imc1")
IMC2 = GLCM_SLOTS.index("Imc2")
INVERSE_VARIANCE = GLCM_SLOTS.index("InverseVariance")
JOINT_AVERAGE = GLCM_SLOTS.index("JointAverage")
JOINT_ENERGY = GLCM_SLOTS.index("JointEnergy")
JOINT_ENTROPY = GLCM_SLOTS.index("JointEntropy")
MAXIMUM_PROBABILITY = GLCM_SLOTS.index("MaximumProbability")
SUM_AVERAGE = GLCM_SLOTS.index("SumAverage")
SUM_ENTROPY = GLCM_SLOTS.index("SumEntropy")
SUM_SQUARES = GLCM_SLOTS.index("SumSquares")

GREY_NONUNIFORMITY = SIZE_SLOTS.index("GreyNonUniformity")
GREY_NONUNIFORMITY_NORMALISED = SIZE_SLOTS.index("GreyNonUniformityNormalised")
GREY_VARIANCE = SIZE_SLOTS.index("GreyVariance")
HIGH_GREY = SIZE_SLOTS.index("HighGrey")
LARGE = SIZE_SLOTS.index("Large")
LARGE_HIGH_GREY = SIZE_SLOTS.index("LargeHighGrey")
LARGE_LOW_GREY = SIZE_SLOTS.index("LargeLowGrey")
LOW_GREY = SIZE_SLOTS.index("LowGrey")
ENTROPY = SIZE_SLOTS.index("Entropy")
SIZE_NONUNIFORMITY = SIZE_SLOTS.index("SizeNonUniformity")
SIZE_NONUNIFORMITY_NORMALISED = SIZE_SLOTS.index("SizeNonUniformityNormalised")
PERCENTAGE = SIZE_SLOTS.index("Percentage")
SIZE_VARIANCE = SIZE_SLOTS.index("SizeVariance")
SMALL = SIZE_SLOTS.index("Small")
SMALL_HIGH_GREY = SIZE_SLOTS.index("SmallHighGrey")
SMALL_LOW_GREY = SIZE_SLOTS.index("SmallLowGrey")

BUSYNESS = NGTDM_SLOTS.index("Busyness")
COARSENESS = NGTDM_SLOTS.index("Coarseness")
COMPLEXITY = NGTDM_SLOTS.index("Complexity")
NGTDM_CONTRAST = NGTDM_SLOTS.index("Contrast")
STRENGTH = NGTDM_SLOTS.index("Strength")


@jit()
def glcm_formulas(
    counts: Int32, weights: Float64, merge: bool, symmetric: bool, grey: Float64, n_levels: int
) -> Float64:
    """Compute the GLCM features except MCC, averaged over directions (or of the weighted sum of directions).

    Only the distributions of i, j, i + j and i - j, the largest entry and two sums over entries are needed;
    everything else follows from them.

    Parameters
    ----------
    counts : int32 (directions, n + 1, n + 1), from `counting.count_pairs`; row and column 0 are not read.
    weights : float64 (directions,).
    merge : sum the weighted directions first instead of averaging their features.
    symmetric : add the transpose.
    grey : float64 (n,), ascending grey levels.
    n_levels : the number of grey levels for the normalised inverse differences.

    Returns
    -------
    values : float64, one for each of `GLCM_SLOTS`; NaN if no direction has a pair.
    """
    total = np.zeros(_N_GLCM)
    matrix = np.zeros((counts.shape[1], counts.shape[2]))
    used = 0
    for direction in range(counts.shape[0]):
        if merge:
            _add(matrix, weights[direction], counts[direction], 1)
            if direction + 1 < counts.shape[0]:
                continue
        else:
            _add(matrix, 1.0, counts[direction], 0)
        values = _of_pairs(matrix, symmetric, grey, n_levels)
        for one in range(values.size):
            total[one] += values[one]
        used += values.size > 0
    for one in range(total.size):
        total[one] = total[one] / used if used > 0 else np.nan
    return total


@jit()
def _add(total: Float64, weight: float, counts: Int32, keep: int) -> None:
    """Add weighted counts to a matrix, or put them in its place if `keep` is 0. Loops: they compile in less time."""
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            total[i, j] = total[i, j] * keep + weight * counts[i, j]


@jit()
def _of_pairs(matrix: Counts, symmetric: bool, grey: Float64, n_levels: int) -> Float64:
    """Compute the values of one matrix; empty if it has no pair.

    Entries are read in one direction; terms linear in them need no transpose, and the others look up the transposed
    entry only if there is one. log2(count) is summed and the total's subtracted, so PyRadiomics' epsilon, which would
    add 1e-16 per entry, is left out.
    """
    n = grey.size
    span = int(grey[n - 1])
    first = np.zeros(n)
    second = np.zeros(n)
    plus = np.zeros(2 * span + 1)
    minus = np.zeros(span + 1)
    squares = surprise = largest = product = mass = 0.0
    for i in range(1, n + 1):
        gi = int(grey[i - 1])
        row = matrix[i]
        for j in range(1, n + 1):
            count = row[j]
            if count == 0:
                continue
            gj = int(grey[j - 1])
            mass += count
            first[i - 1] += count
            second[j - 1] += count
            plus[gi + gj] += count
            minus[abs(gi - gj)] += count
            product += count * float(gi * gj)
            both, cells = float(count), 1.0
            if symmetric:
                opposite = matrix[j, i]
                if j < i and opposite > 0:
                    continue  # counted from the transposed entry
                both, cells = float(count + opposite), 1.0 if i == j else 2.0
            squares += cells * both * both
            surprise += cells * both * np.log2(both)
            largest = max(largest, both)
    if mass == 0:
        return np.empty(0)
    whole = mass
    if symmetric:
        whole = 2 * mass
        first = first + second
        second = first
    values = _of_sums(plus / mass, minus / mass, n_levels)
    px, py = first / whole, second / whole
    mean_x, var_x, entropy_x = _mean_variance_entropy(px, grey)
    mean_y, var_y, entropy_y = _mean_variance_entropy(py, grey)
    entropy = np.log2(whole) - surprise / whole
    scale = np.sqrt(var_x) * np.sqrt(var_y)
    values[AUTOCORRELATION] = product / mass
    values[CORRELATION] = 1.0 if scale == 0 else (product / mass - mean_x * mean_y) / (scale + EPS)
    # the sums of p_ij log(p_i p_j) and of p_i p_j log(p_i p_j) both equal that of the two marginal entropies
    shared = entropy_x + entropy_y - entropy
    widest = max(entropy_x, entropy_y)
    values[IMC1] = -shared / widest if widest > ROUNDING else 0.0
    values[IMC2] = np.sqrt(1 - np.exp(-2 * shared)) if shared > ROUNDING else 0.0
    values[JOINT_AVERAGE], values[JOINT_ENERGY], values[JOINT_ENTROPY], values[MAXIMUM_PROBABILITY] = (
        mean_x,
        squares / whole**2,
        entropy,
        largest / whole,
    )
    values[SUM_SQUARES] = var_x
    return values


@jit()
def _mean_variance_entropy(share: Float64, grey: Float64) -> tuple[float, float, float]:
    mean = entropy = variance = 0.0
    for i in range(grey.size):
        mean += share[i] * grey[i]
        if share[i] > 0:
            entropy -= share[i] * np.log2(share[i])
    for i in range(grey.size):
        variance += share[i] * (grey[i] - mean) ** 2
    return mean, variance, entropy


@jit()
def _of_sums(plus: Float64, minus: Float64, n_levels: int) -> Float64:
    """Compute the values that follow from the distributions of i + j and of |i - j|; 0 for the others."""
    values = np.zeros(_N_GLCM)
    average = difference = 0.0
    for k in range(plus.size):
        average += k * plus[k]
    for k in range(minus.size):
        difference += k * minus[k]
    values[SUM_AVERAGE], values[DIFFERENCE_AVERAGE] = average, difference
    for k in range(plus.size):
        p = plus[k]
        if p > 0:
            apart = k - average
            values[CLUSTER_PROMINENCE] += p * apart**4
            values[CLUSTER_SHADE] += p * apart**3
            values[CLUSTER_TENDENCY] += p * apart**2
            values[SUM_ENTROPY] -= p * np.log2(p)
    for k in range(minus.size):
        p = minus[k]
        if p > 0:
            values[CONTRAST] += p * k * k
            values[DIFFERENCE_ENTROPY] -= p * np.log2(p)
            values[DIFFERENCE_VARIANCE] += p * (k - difference) ** 2
            values[ID] += p / (1 + k)
            values[IDM] += p / (1 + k * k)
            values[IDMN] += p / (1 + k * k / n_levels**2)
            values[IDN] += p / (1 + k / n_levels)
            if k > 0:
                values[INVERSE_VARIANCE] += p / (k * k)
    return values


@jit()
def size_formulas(matrix: Float64, grey: Float64, sizes: Float64) -> Float64:
    """Compute the features that run length, size zone and dependence matrices share.

    Parameters
    ----------
    matrix : float64 (n, m), counts (or weighted counts) by grey level and by size, not all 0.
    grey : float64 (n,), grey levels.
    sizes : float64 (m,): run lengths, zone sizes, or numbers of dependent voxels + 1.

    Returns
    -------
    values : float64, one for each of `SIZE_SLOTS`.
    """
    n, m = matrix.shape
    by_grey = np.zeros(n)
    by_size = np.zeros(m)
    values = np.zeros(_N_SIZE)
    mass = 0.0
    for i in range(n):
        for j in range(m):
            mass += matrix[i, j]
    for i in range(n):
        g2 = grey[i] * grey[i]
        for j in range(m):
            count = matrix[i, j]
            if count > 0:
                s2 = sizes[j] * sizes[j]
                by_grey[i] += count
                by_size[j] += count
                p = count / mass
                values[ENTROPY] -= p * np.log2(p + EPS)
                values[LARGE_HIGH_GREY] += p * s2 * g2
                values[LARGE_LOW_GREY] += p * s2 / g2
                values[SMALL_HIGH_GREY] += p * g2 / s2
                values[SMALL_LOW_GREY] += p / (g2 * s2)
    mean_grey = mean_size = voxels = 0.0
    for i in range(n):
        p = by_grey[i] / mass
        g2 = grey[i] * grey[i]
        mean_grey += p * grey[i]
        values[GREY_NONUNIFORMITY] += by_grey[i] * p
        values[GREY_NONUNIFORMITY_NORMALISED] += p * p
        values[HIGH_GREY] += p * g2
        values[LOW_GREY] += p / g2
    for j in range(m):
        p = by_size[j] / mass
        s2 = sizes[j] * sizes[j]
        mean_size += p * sizes[j]
        voxels += by_size[j] * sizes[j]
        values[LARGE] += p * s2
        values[SIZE_NONUNIFORMITY] += by_size[j] * p
        values[SIZE_NONUNIFORMITY_NORMALISED] += p * p
        values[SMALL] += p / s2
    for i in range(n):
        values[GREY_VARIANCE] += by_grey[i] / mass * (grey[i] - mean_grey) ** 2
    for j in range(m):
        values[SIZE_VARIANCE] += by_size[j] / mass * (sizes[j] - mean_size) ** 2
    values[PERCENTAGE] = mass / voxels
    return values


@jit()
def run_formulas(counts: Int32, weights: Float64, merge: bool, grey: Float64) -> Float64:
    """Compute `size_formulas` of run length matrices, averaged over directions (or of their weighted sum).

    Parameters
    ----------
    counts : int32 (directions, n + 1, longest), from `counting.count_runs`; row 0 is not read.
    weights : float64 (directions,); 0 leaves a direction out.
    merge : sum the weighted directions first.

    Returns
    -------
    values : float64, one for each of `SIZE_SLOTS`; NaN if every direction is left out.
    """
    lengths = np.empty(counts.shape[2])
    for j in range(lengths.size):
        lengths[j] = j + 1
    matrix = np.zeros((grey.size, counts.shape[2]))
    total = np.zeros(_N_SIZE)
    used = 0
    for direction in range(counts.shape[0]):
        if weights[direction] > 0:
            used += 1
            if merge:
                _add(matrix, weights[direction], counts[direction, 1:], 1)
            else:
                _add(matrix, 1.0, counts[direction, 1:], 0)
                values = size_formulas(matrix, grey, lengths)
                for one in range(total.size):
                    total[one] += values[one]
    if merge and used > 0:
        return size_formulas(matrix, grey, lengths)
    for one in range(total.size):
        total[one] = total[one] / used if used > 0 else np.nan
    return total


@jit()
def ngtdm_formulas(voxels: Float64, differences: Float64, grey: Float64) -> Float64:
    """Compute Busyness, Coarseness, Complexity, Contrast and Strength.

    Parameters
    ----------
    voxels : float64 (n,), lesion voxels of each grey level, all positive.
    differences : float64 (n,), sums of absolute differences to the neighbourhood.
    grey : float64 (n,).
    """
    n = grey.size
    count = 0.0
    for one in voxels:
        count += one
    weighted = summed = pairs = swing = complexity = strength = 0.0
    for i in range(n):
        p_i = voxels[i] / count
        weighted += p_i * differences[i]
        summed += differences[i]
        for j in range(n):
            p_j = voxels[j] / count
            apart = abs(grey[i] - grey[j])
            pairs += p_i * p_j * apart * apart
            swing += abs(grey[i] * p_i - grey[j] * p_j)
            complexity += apart * (p_i * differences[i] + p_j * differences[j]) / (p_i + p_j)
            strength += (p_i + p_j) * apart * apart
    values = np.zeros(_N_NGTDM)
    values[BUSYNESS] = weighted / swing if swing != 0 else 0.0
    values[COARSENESS] = 1 / weighted if weighted != 0 else 1e6
    values[COMPLEXITY] = complexity / count
    values[NGTDM_CONTRAST] = pairs * summed / count / (n * (n - 1)) if n > 1 else 0.0
    values[STRENGTH] = strength / summed if summed != 0 else 0.0
    return values
