"""Distribution of the training lesions, a section of the signature with which the next patient is compared.

It contains no data of single patients except the ends of ranges, so it may leave the lab with the formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.imaging.lesion_check import CENTRE
from radstudy.modelling.models import LinearForm
from radstudy.table import CLINICAL

Array = NDArray[np.float64]

WIDENED = 0.5  # of a training range's width, at each end, before a value is refused; more if few lesions trained
FALSE_REFUSALS = 0.005  # share of the same population that exponential tails of known scale would have refused
_FEWEST = 10  # lesions; with fewer, no joint distance is kept, because its largest value would be meaningless


@dataclass(frozen=True)
class Range:
    """Smallest and largest of `count` training values."""

    count: int
    low: float
    high: float

    @classmethod
    def of(cls, values: Array) -> Self | None:
        """Return the range of the finite values; None if there are none."""
        known = values[np.isfinite(values)]
        return cls(len(known), float(known.min()), float(known.max())) if len(known) else None

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read the result of `dataclasses.asdict`."""
        return cls(int(item["count"]), float(item["low"]), float(item["high"]))


@dataclass(frozen=True)
class ImageRange:
    """The grids and the intensities of a sequence's training images.

    Parameters
    ----------
    spacing_mm, matrix : one range per axis, in the order of `ordered_grid`.
    scale : lower and upper end of the images' scale before they were rescaled; empty if they were not, or not known.
    """

    spacing_mm: tuple[Range, ...]
    matrix: tuple[Range, ...]
    scale: tuple[Range, ...] = ()


@dataclass(frozen=True)
class PairRange:
    """Distance and volume ratio of a lesion's masks on two sequences.

    Parameters
    ----------
    first, second : the sequences.
    distance_mm : between the masks' centres, in scanner coordinates.
    volume_ratio : volume on the first divided by volume on the second.
    """

    first: str
    second: str
    distance_mm: Range
    volume_ratio: Range


@dataclass(frozen=True)
class JointRange:
    """Joint distance of a lesion's values from those of all others.

    The distance is Mahalanobis's, of standardised values with a Ledoit-Wolf shrunken covariance.

    Parameters
    ----------
    names : terms of the formula that are numbers.
    centre, scale : (terms,) training mean and standard deviation.
    precision : (terms, terms) inverse of the covariance of the standardised values.
    largest : the largest distance of a training lesion from the others (leave-one-out): a patient of the same
        population lies beyond it about once in ``count + 1`` times.
    count : number of training lesions.

    References
    ----------
    Ledoit O, Wolf M, J Multivar Anal 2004;88:365, doi 10.1016/S0047-259X(03)00096-4.
    """

    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    largest: float
    count: int

    @classmethod
    def of(cls, names: tuple[str, ...], values: Array) -> Self | None:
        """Fit to values (lesions, terms) without gaps; None for fewer than ten lesions or if no term varies."""
        if len(values) < _FEWEST or not len(names):
            return None
        rows = np.arange(len(values))
        largest = max(_distance(values[row], *_fitted(values[rows != row])) for row in rows)
        centre, scale, precision = _fitted(values)
        matrix = tuple(tuple(float(value) for value in row) for row in precision)
        return cls(names, tuple(map(float, centre)), tuple(map(float, scale)), matrix, float(largest), len(values))

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read the result of `dataclasses.asdict`."""
        centre, scale = (tuple(float(value) for value in item[name]) for name in ("centre", "scale"))
        precision = tuple(tuple(float(value) for value in row) for row in item["precision"])
        return cls(tuple(item["names"]), centre, scale, precision, float(item["largest"]), int(item["count"]))

    def distance(self, values: Mapping[str, float]) -> float:
        """Compute the distance of one patient's values, given by the terms' names."""
        row = np.array([values[name] for name in self.names])
        return _distance(row, np.array(self.centre), np.array(self.scale), np.array(self.precision))


def _fitted(values: Array) -> tuple[Array, Array, Array]:
    from sklearn.covariance import ledoit_wolf

    centre, scale = values.mean(axis=0), values.std(axis=0, ddof=1)
    scale = np.where(scale > 0, scale, 1.0)
    covariance, _ = ledoit_wolf((values - centre) / scale, assume_centered=True)
    return centre, scale, np.linalg.pinv(covariance)


def _distance(row: Array, centre: Array, scale: Array, precision: Array) -> float:
    away = (row - centre) / scale
    with np.errstate(over="ignore", invalid="ignore"):
        squared = float(away @ precision @ away)
    return float(np.sqrt(max(0.0, squared))) if np.isfinite(squared) else np.inf  # too far to be computed


@dataclass(frozen=True)
class TrainingDistribution:
    """Data of a signature on its training lesions, beyond the range of each term.

    Parameters
    ----------
    sequences, variables : all of the study, including those that this model does not use.
    images : sequence to the grids of its images.
    volumes_mm3 : sequence to the lesions' volumes as drawn.
    pairs : of the model's sequences.
    joint : of the formula's numbers together; None if there were too few lesions.
    widened : share of its width by which the training range of a term is widened at each end, before a value is
        refused; see `widening`.
    """

    sequences: tuple[str, ...]
    variables: tuple[str, ...]
    images: Mapping[str, ImageRange]
    volumes_mm3: Mapping[str, Range]
    pairs: tuple[PairRange, ...]
    joint: JointRange | None
    widened: float = WIDENED

    def as_dict(self) -> dict[str, Any]:
        """Return the distribution as plain JSON."""
        return asdict(self)

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read the result of `as_dict`."""
        return cls(
            tuple(item["sequences"]),
            tuple(item["variables"]),
            {
                str(name): ImageRange(
                    *(tuple(Range.read(part) for part in grid[key]) for key in _GRID if key in grid or key != "scale")
                )
                for name, grid in item["images"].items()
            },
            {str(name): Range.read(volume) for name, volume in item["volumes_mm3"].items()},
            tuple(
                PairRange(
                    pair["first"], pair["second"], Range.read(pair["distance_mm"]), Range.read(pair["volume_ratio"])
                )
                for pair in item["pairs"]
            ),
            None if item["joint"] is None else JointRange.read(item["joint"]),
            float(item.get("widened", WIDENED)),  # absent in the first format
        )


_GRID = ("spacing_mm", "matrix", "scale")


def ordered_grid(spacing_mm: Array, matrix: Array) -> tuple[Array, Array]:
    """Order spacing and matrix with the finest axis first; among equal spacings (to 0.1 %) the longer axis first.

    An image that stores its slices along another axis can then be compared.
    """
    order = np.lexsort((-matrix, np.round(np.log(spacing_mm), 3)))
    return spacing_mm[order], matrix[order]


def training_distribution(
    form: LinearForm,
    design: pd.DataFrame,
    *,
    needed: tuple[str, ...],
    sequences: tuple[str, ...],
    variables: tuple[str, ...],
    volumes: pd.DataFrame | None,
    lesions: pd.DataFrame | None,
) -> TrainingDistribution:
    """Describe the training lesions.

    Parameters
    ----------
    form : the fitted formula.
    design : rows of the design table that trained it, indexed (patient, lesion).
    needed : sequences that a prediction needs.
    sequences, variables : all of the study.
    volumes : prepare/volumes.csv; None for a study without images.
    lesions : prepare/lesions.csv, the first reader's rows.
    """
    numbers = tuple(term for term in form.terms if not (term.name.startswith(CLINICAL) and "=" in term.name))
    columns = [_imputed(design[term.name].to_numpy(dtype=float), term.imputation) for term in numbers]
    table = np.column_stack(columns) if columns else np.empty((len(design), 0))
    table = table[np.isfinite(table).all(axis=1)]
    patients = {str(patient) for patient in design.index.get_level_values("patient")}
    mine = None if lesions is None else lesions.set_index(["patient", "lesion"])
    drawn = {name: _of(mine[mine["sequence"] == name], design.index) for name in needed} if mine is not None else {}
    return TrainingDistribution(
        sequences,
        variables,
        {name: grid for name in needed if volumes is not None and (grid := _grids(volumes, name, patients))},
        {name: size for name, part in drawn.items() if (size := Range.of(part["volume_mm3"].to_numpy(dtype=float)))},
        tuple(pair for a, b in combinations(drawn, 2) if (pair := _pair(a, b, drawn[a], drawn[b]))),
        JointRange.of(tuple(term.name for term in numbers), table),
        widening(len(design), len(numbers)),
    )


def widening(lesions: int, numbers: int) -> float:
    """Compute the share of its width by which each training range is widened at each end; at least one half.

    With exponential tails, the range of n values is about ln(n) scales wide, and the next value lies more than x scales
    beyond the largest with the probability exp(-x) / (n + 1). Solved for `FALSE_REFUSALS` over all numbers of a
    formula; more are refused, because tails are heavier and the scale is estimated (docs/predict.md).

    Parameters
    ----------
    lesions : that trained the model.
    numbers : terms of the formula that are not levels.

    Examples
    --------
    >>> widening(200, 4), round(widening(17, 10), 2)
    (0.5, 1.66)
    """
    if lesions < 2 or numbers < 1:
        return WIDENED
    return float(max(WIDENED, np.log(numbers / (FALSE_REFUSALS * (lesions + 1))) / np.log(lesions)))


def _imputed(values: Array, imputation: float | None) -> Array:
    return values if imputation is None else np.where(np.isnan(values), imputation, values)


def _of(part: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    return part[~part.index.duplicated()].reindex(index)


def _grids(volumes: pd.DataFrame, sequence: str, patients: set[str]) -> ImageRange | None:
    mine = volumes[(volumes["sequence"] == sequence) & volumes["patient"].isin(patients)]
    grids = [
        ordered_grid(_numbers(row.spacing_mm), _numbers(row.size))
        for row in mine[["spacing_mm", "size"]].itertuples(index=False)
    ]
    if not grids:
        return None
    spacing, matrix = (np.array(values) for values in zip(*grids, strict=True))
    ends = [Range.of(mine[name].to_numpy(dtype=float)) for name in ("low", "high") if name in mine.columns]
    return ImageRange(_ranges(spacing), _ranges(matrix), tuple(end for end in ends if end is not None))


def _numbers(text: Any) -> Array:
    return np.array([float(part) for part in str(text).split(" x ")])


def _ranges(table: Array) -> tuple[Range, ...]:
    return tuple(Range(len(column), float(column.min()), float(column.max())) for column in table.T)


def _pair(first: str, second: str, a: pd.DataFrame, b: pd.DataFrame) -> PairRange | None:
    if not {*CENTRE} <= {*a.columns}:  # the run was prepared by an earlier version
        return None
    apart = a[list(CENTRE)].to_numpy(dtype=float) - b[list(CENTRE)].to_numpy(dtype=float)
    distance = Range.of(np.linalg.norm(apart, axis=1))
    ratio = Range.of(a["volume_mm3"].to_numpy(dtype=float) / b["volume_mm3"].to_numpy(dtype=float))
    return None if distance is None or ratio is None else PairRange(first, second, distance, ratio)
