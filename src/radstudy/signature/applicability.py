"""Applicability of a signature to a patient: all ways in which the patient differs from the training patients.

Each check returns findings and none stops at the first, so that a user sees everything that is wrong at once. A finding
that refuses means that there is no probability, unless the user requests it explicitly.

The bounds are wide enough for the same population (docs/predict.md lists the measured rates): a range is widened by
half its width at each end, that of a term by more if few lesions trained the model, and a joint distance is compared
with the largest of a training lesion from the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.errors import RefusedError
from radstudy.imaging.n4 import tied_axes
from radstudy.modelling.models import Term
from radstudy.protocol.prepare import N4, PreparationStep
from radstudy.protocol.words import listed
from radstudy.signature.mask_shape import MaskShape
from radstudy.signature.training import (
    WIDENED,
    ImageRange,
    JointRange,
    PairRange,
    Range,
    TrainingDistribution,
    ordered_grid,
)
from radstudy.space.grid import spacing_text
from radstudy.table import CLINICAL

JOINT_FACTOR = 1.25  # of the largest distance of a training lesion from the others: refused; reported from 1 on
SPACING_FACTOR, MATRIX_FACTOR = 1.25, 1.5  # beyond the training range: refused
REMARK_FACTOR = 1.02  # of a spacing, beyond the training range: reported
NOT_CHECKED = "not checked"  # kind of a finding that says what could not be compared
SCALE_FACTOR = 5.0  # of the upper end of an image's intensities, beyond the training range: refused
LEAST_MM = 5.0  # by which a distance between two masks may always exceed the training range
LEAST_FACTOR = 1.25  # by which a volume or a ratio of volumes may always exceed it


@dataclass(frozen=True)
class UnlikeTraining:
    """One way in which a patient differs from the training patients.

    Attributes
    ----------
    kind : feature, clinical, joint, spacing, matrix, volume, distance, volume ratio, intensities, same image, name,
        origin, acquisition, mask, sampling, not checked.
    where : the sequence, the two sequences, the term or the variable.
    message : what is wrong, with the patient's value and the training range.
    refuses : whether the user has to confirm to continue.
    value : the patient's value, if it is a single number.
    low, high : the training range.
    bound_low, bound_high : bounds beyond which the finding refuses.
    """

    kind: str
    where: str
    message: str
    refuses: bool
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound_low: float | None = None
    bound_high: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON, for machines."""
        return asdict(self)


class UnlikeTrainingError(RefusedError):
    """Raised if the patient differs from the training patients; `findings` lists the differences."""

    def __init__(self, model: str, findings: Sequence[UnlikeTraining]) -> None:
        self.model, self.findings = model, tuple(findings)
        reasons = [finding for finding in findings if finding.refuses]
        lines = "\n".join(f"  {number}. {finding.message}" for number, finding in enumerate(reasons, 1))
        remarks = "".join(f"\n  Also: {finding.message}" for finding in findings if not finding.refuses)
        super().__init__(
            f"no probability: this patient differs from the patients that the model '{model}' was trained on\n"
            f"{lines}{remarks}\n"
            "To do: check the files and values above: does each image belong to this patient and to the sequence "
            "given for it, and does each mask show the same lesion? If everything is right, the model does not apply "
            "to this patient; --outside-range prints its probability anyway, with these reasons"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts from which the error is rebuilt when unpickled."""
        return (UnlikeTrainingError, (self.model, self.findings))


@dataclass(frozen=True, eq=False)
class Seen:
    """Facts of one sequence of a patient that are checked.

    Parameters
    ----------
    image : the image's file.
    voxels : (I, J, K).
    affine : (4, 4), voxel to RAS mm.
    spacing_mm : (3,).
    centre_mm : (3,) of the lesion's mask, RAS mm.
    volume_mm3 : of the lesion's mask.
    origin : content of the file that `radstudy import` wrote next to the image; empty for other images.
    shape : empty slices and borders of the mask; None if they are not checked.
    acquisition : as `radstudy import` recorded it; None for other images.
    scale : lower and upper end of the intensities before they were rescaled; None if they were not.
    """

    image: Path
    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    volume_mm3: float
    origin: Mapping[str, Any]
    shape: MaskShape | None = None
    acquisition: Acquisition | None = None
    scale: tuple[float, float] | None = None


# --- values ------------------------------------------------------------------------------------------------------


def bounds_of(low: float, high: float, widened: float = WIDENED, *, positive: bool = False) -> tuple[float, float]:
    """Return the range that is not refused: the training range plus a share of its width at each end.

    Parameters
    ----------
    low, high : of training.
    widened : the share.
    positive : whether values below 0 are impossible if training has none.

    Examples
    --------
    >>> bounds_of(30, 70)
    (10.0, 90.0)
    >>> bounds_of(1, 5, positive=True)
    (0.0, 7.0)
    """
    more = widened * (high - low)
    return (max(0.0, low - more) if positive and low >= 0 else low - more), high + more


def check_terms(
    terms: Sequence[Term], values: Mapping[str, float], training: TrainingDistribution | None
) -> Iterator[UnlikeTraining]:
    """Find the terms of the formula whose values lie far beyond their training range.

    Parameters
    ----------
    terms : of the formula; levels (0 or 1) are never reported.
    values : the patient's, by the terms' names; NaN is never reported.
    training : of the signature; None in a signature of an earlier version.
    """
    widened = WIDENED if training is None else training.widened
    for term in terms:
        value, (low, high) = values[term.name], term.training_range
        clinical = term.name.startswith(CLINICAL)
        if np.isnan(value) or (clinical and "=" in term.name):
            continue
        bound_low, bound_high = bounds_of(low, high, widened, positive=clinical)
        if bound_low <= value <= bound_high:
            continue
        kind, name = ("clinical", term.name.removeprefix(CLINICAL)) if clinical else ("feature", term.name)
        shown = f"--clinical {name}={value:.6g}" if clinical else f"{name} = {value:.6g}"
        adds = term.coefficient * (value - term.centre) / term.scale
        yield UnlikeTraining(
            kind, name,
            f"{shown}: training had {low:.6g} to {high:.6g} (refused below {bound_low:.6g} and above "
            f"{bound_high:.6g}); it would add {adds:+.3g} to the log-odds",
            True, value, low, high, bound_low, bound_high,
        )  # fmt: skip


def check_joint(joint: JointRange | None, values: Mapping[str, float]) -> Iterator[UnlikeTraining]:
    """Find values that are jointly further from training than any training lesion, though each may be in range."""
    if joint is None or not all(np.isfinite(values[name]) for name in joint.names):
        return
    distance, bound = joint.distance(values), JOINT_FACTOR * joint.largest
    if distance > joint.largest:
        refused = f", and more than {bound:.3g} is refused" if distance > bound else ""
        yield UnlikeTraining(
            "joint", "all values together",
            f"the model's {len(joint.names)} numbers together are {distance:.3g} standard deviations from the training "
            f"mean; no training lesion was further than {joint.largest:.3g} from the others{refused}",
            distance > bound, distance, 0.0, joint.largest, 0.0, bound,
        )  # fmt: skip


# --- masks and acquisition ---------------------------------------------------------------------------------------


def check_shape(sequence: str, shape: MaskShape | None) -> Iterator[UnlikeTraining]:
    """Find a mask that no reader draws on purpose: an empty slice inside the lesion, or a lesion cut by the border."""
    if shape is None:
        return
    if shape.empty_slices:
        yield UnlikeTraining(
            "mask", sequence,
            f"the mask on {sequence} has {shape.empty_slices} empty slice(s) between drawn ones, of "
            f"{shape.slices} (was a slice forgotten, or are there two lesions?)",
            True, float(shape.empty_slices), 0.0, 0.0, 0.0, 0.0,
        )  # fmt: skip
    if shape.borders:
        yield UnlikeTraining(
            "mask", sequence,
            f"the lesion on {sequence} touches the border of the image ({', '.join(shape.borders)}): a part of it "
            "may lie outside",
            True,
        )  # fmt: skip


_FACTORS = {"field_strength_t": 1.1, "repetition_time_ms": 1.25, "echo_time_ms": 1.25, "inversion_time_ms": 1.25,
            "b_value": 1.1}  # fmt: skip
_WORDS = {"field_strength_t": "a field strength of {} T", "repetition_time_ms": "a repetition time of {} ms",
          "echo_time_ms": "an echo time of {} ms", "inversion_time_ms": "an inversion time of {} ms",
          "b_value": "a b-value of {} s/mm2", "seconds_since_first_phase": "a time of {} s after the first phase",
          "manufacturer": "the manufacturer {}", "model": "the scanner {}", "acquisition_type": "a {} acquisition",
          "plane": "the plane {}", "contrast_agent": "the contrast agent {}"}  # fmt: skip
_LEAST_S = 20.0  # by which the time of a phase may always exceed the training range


def check_acquisition(
    seen: Mapping[str, Seen], training: Mapping[str, Mapping[str, Any]] | None
) -> Iterator[UnlikeTraining]:
    """Find acquisitions unlike those of the training images, as far as both imports recorded them.

    Parameters
    ----------
    seen : sequence to the facts read from its files.
    training : the part ``acquisition`` of the signature; None if it has none.
    """
    for sequence, one in seen.items():
        known = (training or {}).get(sequence)
        if known is None:
            continue
        if one.acquisition is None:
            yield UnlikeTraining(
                NOT_CHECKED, sequence,
                f"the acquisition of {sequence} was not checked: no 'radstudy import' wrote {one.image}, so its field "
                "strength and times are not known",
                False,
            )  # fmt: skip
            continue
        own = one.acquisition.as_json()
        yield from _acquired_numbers(sequence, own, known["ranges"])
        yield from _acquired_texts(sequence, own, known["values"])


def _acquired_numbers(
    sequence: str, own: Mapping[str, Any], ranges: Mapping[str, Mapping[str, float]]
) -> Iterator[UnlikeTraining]:
    for name, had in ranges.items():
        value = own.get(name)
        if value is None or name not in _WORDS:
            continue
        low, high = had["low"], had["high"]
        factor = _FACTORS.get(name)
        aside = max(WIDENED * (high - low), _LEAST_S)
        bounds = (low - aside, high + aside) if factor is None else (low / factor, high * factor)
        if not bounds[0] <= value <= bounds[1]:
            yield UnlikeTraining(
                "acquisition", sequence,
                f"{sequence} has {_WORDS[name].format(f'{value:g}')}; training had {low:g} to {high:g}, and less than "
                f"{bounds[0]:.4g} or more than {bounds[1]:.4g} is refused",
                True, float(value), low, high, *bounds,
            )  # fmt: skip


def _acquired_texts(
    sequence: str, own: Mapping[str, Any], values: Mapping[str, Sequence[str]]
) -> Iterator[UnlikeTraining]:
    for name, had in values.items():
        value = own.get(name)
        if value and name in _WORDS and value not in had:
            yield UnlikeTraining(
                "acquisition", sequence,
                f"{sequence} has {_WORDS[name].format(value)}; training had {', '.join(had)}",
                False,
            )  # fmt: skip


# --- images ------------------------------------------------------------------------------------------------------


def check_sampling(shapes: Mapping[str, Sequence[int]], steps: Sequence[PreparationStep]) -> Iterator[UnlikeTraining]:
    """Report images of which N4 samples voxels that the last digit of a coordinate in the file decides.

    Parameters
    ----------
    shapes : sequence to the size of its image, in voxels along I, J, K.
    steps : of the signature's preparation.
    """
    n4 = next((step for step in steps if isinstance(step, N4)), None)
    tied = {} if n4 is None else {name: tied_axes(shape, n4.shrink) for name, shape in shapes.items()}
    where = [name for name, axes in tied.items() if axes]
    if n4 is None or not where:
        return
    each = listed([f"{name} along {_along(shapes[name], tied[name])}" for name in where])
    yield UnlikeTraining(
        "sampling", ", ".join(where),
        f"N4 ({n4.brief()[1]}) takes samples half-way between two voxels of {each}: the last digit of a coordinate in "
        "the file decides which voxel it takes, and can move the probability. Another converter's file of the same "
        "image may give another one (docs/n4.md, 'The last digits of the spacing')",
        False,
    )  # fmt: skip


def _along(shape: Sequence[int], axes: Sequence[int]) -> str:
    return listed([f"{'IJK'[axis]} ({shape[axis]} voxels)" for axis in axes])


def check_images(
    seen: Mapping[str, Seen], training: TrainingDistribution | None, *, compared: bool = True
) -> Iterator[UnlikeTraining]:
    """Check everything about a patient's images and masks that does not need features.

    Parameters
    ----------
    seen : sequence to the facts read from its files.
    training : of the signature; None in a signature of an earlier version.
    compared : whether to compare the voxels of every two images; False if a step has refused copies, and `seen` has
        only the shape of the voxels.
    """
    known = training.sequences if training is not None else tuple(seen)
    for sequence, one in seen.items():
        yield from _name(sequence, one, known)
        yield from check_shape(sequence, one.shape)
        if training is not None and sequence in training.images:
            yield from _grid(sequence, one, training.images[sequence])
            yield from _scale(sequence, one.scale, training.images[sequence].scale)
        if training is not None and sequence in training.volumes_mm3:
            yield from _volume(sequence, one.volume_mm3, training.volumes_mm3[sequence])
    for first, second in combinations(seen, 2):
        yield from _pair_of_images(first, second, seen[first], seen[second], compared=compared)
    for pair in training.pairs if training is not None else ():
        if pair.first in seen and pair.second in seen:
            yield from _pair_of_masks(pair, seen[pair.first], seen[pair.second])


def not_checked(training: TrainingDistribution | None, sequences: Sequence[str]) -> Iterator[UnlikeTraining]:
    """Report the checks that are impossible because the signature has no data on its training images."""
    images, volumes = (training.images, training.volumes_mm3) if training is not None else ({}, {})
    pairs = {(pair.first, pair.second) for pair in training.pairs} if training is not None else set()
    lacking = [f"the voxel spacing and matrix of {name}" for name in sequences if name not in images]
    lacking += [f"the lesion's volume on {name}" for name in sequences if name not in volumes]
    lacking += [
        f"the distance and volume ratio of the lesions on {first} and {second}"
        for first, second in combinations(sequences, 2)
        if (first, second) not in pairs
    ]
    if lacking:
        why = "" if training is not None else " (an earlier version of radstudy wrote it)"
        yield UnlikeTraining(
            NOT_CHECKED, "signature",
            f"not checked, because this signature has no data for it{why}: {', '.join(lacking)}. To do: run the "
            "study's step 'model' again to get a complete signature",
            False,
        )  # fmt: skip


def _grid(sequence: str, one: Seen, training: ImageRange) -> Iterator[UnlikeTraining]:
    spacing, matrix = ordered_grid(one.spacing_mm, np.array(one.voxels.shape, dtype=float))
    for kind, values, ranges, factor, remark in (
        ("spacing", spacing, training.spacing_mm, SPACING_FACTOR, REMARK_FACTOR),
        ("matrix", matrix, training.matrix, MATRIX_FACTOR, MATRIX_FACTOR),
    ):
        beyond = max(
            max(part.low / value, value / part.high) for value, part in zip(values, ranges, strict=True)
        )  # fmt: skip
        if beyond > remark:
            what = "a voxel spacing of {} mm" if kind == "spacing" else "a matrix of {}"
            low, high = ([getattr(part, end) for part in ranges] for end in ("low", "high"))
            had = spacing_text(low) if low == high else f"{spacing_text(low)} to {spacing_text(high)}"
            refused = f", and more than a factor of {factor:g} beyond that is refused" if beyond > factor else ""
            yield UnlikeTraining(
                kind, sequence,
                f"{sequence} has {what.format(spacing_text(values))} (finest axis first); training had {had}{refused}",
                beyond > factor, beyond, None, None, None, factor,
            )  # fmt: skip


def _scale(sequence: str, scale: tuple[float, float] | None, training: Sequence[Range]) -> Iterator[UnlikeTraining]:
    """Find intensities of another kind: normalised already, logarithms, or another scaling of the scanner."""
    if scale is None or len(training) < 2:
        return
    (low, high), (had_low, had_high) = scale, training
    if low < 0 <= had_low.low:
        yield UnlikeTraining(
            "intensities", sequence,
            f"{sequence} has intensities down to {low:.4g} before it is rescaled, and no training image had any below "
            "0: was it normalised already, or filtered?",
            True, low, had_low.low, had_low.high, 0.0,
        )  # fmt: skip
    bound_low, bound_high = had_high.low / SCALE_FACTOR, had_high.high * SCALE_FACTOR
    if had_high.low > 0 and not bound_low <= high <= bound_high:
        yield UnlikeTraining(
            "intensities", sequence,
            f"{sequence} has intensities up to {high:.4g} before it is rescaled; training had {had_high.low:.4g} to "
            f"{had_high.high:.4g}, and less than {bound_low:.4g} or more than {bound_high:.4g} is refused: was it "
            "normalised already, or exported otherwise?",
            True, high, had_high.low, had_high.high, bound_low, bound_high,
        )  # fmt: skip


def _volume(sequence: str, volume: float, training: Range) -> Iterator[UnlikeTraining]:
    low, high = _widened_factor(training)
    if not low <= volume <= high:
        yield UnlikeTraining(
            "volume", sequence,
            f"the lesion on {sequence} has {volume:.4g} mm3; training had {training.low:.4g} to {training.high:.4g} "
            f"mm3, and a volume below {low:.4g} or above {high:.4g} is refused",
            True, volume, training.low, training.high, low, high,
        )  # fmt: skip


def _widened_factor(training: Range) -> tuple[float, float]:
    """Return bounds like `bounds_of`, on the logarithmic scale; wider by at least a factor of 1.25."""
    factor = max((training.high / training.low) ** WIDENED, LEAST_FACTOR)
    return training.low / factor, training.high * factor


def _pair_of_masks(pair: PairRange, first: Seen, second: Seen) -> Iterator[UnlikeTraining]:
    where, had = f"{pair.first}, {pair.second}", pair.distance_mm
    apart = float(np.linalg.norm(first.centre_mm - second.centre_mm))
    bound = had.high + max(WIDENED * (had.high - had.low), LEAST_MM)
    if apart > bound:
        yield UnlikeTraining(
            "distance", where,
            f"the lesions on {pair.first} and {pair.second} are {apart:.1f} mm apart in scanner coordinates; training "
            f"had up to {had.high:.1f} mm, and more than {bound:.1f} mm is refused (images of two patients or of two "
            "examinations, or masks of two lesions?)",
            True, apart, had.low, had.high, 0.0, bound,
        )  # fmt: skip
    ratio, (low, high) = first.volume_mm3 / second.volume_mm3, _widened_factor(pair.volume_ratio)
    if not low <= ratio <= high:
        yield UnlikeTraining(
            "volume ratio", where,
            f"the lesion's volume is {first.volume_mm3:.4g} mm3 on {pair.first} and {second.volume_mm3:.4g} mm3 on "
            f"{pair.second}, a ratio of {ratio:.3g}; training had {pair.volume_ratio.low:.3g} to "
            f"{pair.volume_ratio.high:.3g}, and a ratio below {low:.3g} or above {high:.3g} is refused",
            True, ratio, pair.volume_ratio.low, pair.volume_ratio.high, low, high,
        )  # fmt: skip


def _pair_of_images(first: str, second: str, a: Seen, b: Seen, *, compared: bool) -> Iterator[UnlikeTraining]:
    if compared and a.voxels.shape == b.voxels.shape and np.array_equal(a.voxels, b.voxels):
        yield UnlikeTraining(
            "same image", f"{first}, {second}",
            f"{first} ({a.image}) and {second} ({b.image}) are the same image, voxel by voxel",
            True,
        )  # fmt: skip
    for key, what in _ORIGINS.items():
        mine, other = (_mark(one.origin, key) for one in (a, b))
        if mine and other and mine != other:
            yield UnlikeTraining(
                "origin", f"{first}, {second}",
                f"{first} and {second} {what}, according to what 'radstudy import' wrote next to {a.image} "
                f"and {b.image}",
                key != "frame_of_reference",  # repositioned within an examination: the distance shows more
            )  # fmt: skip
            return


_ORIGINS = {
    "patient": "are of two patients",
    "examination": "are of two examinations",
    "frame_of_reference": "have two frames of reference (was the patient repositioned?)",
}


def _mark(origin: Mapping[str, Any], key: str) -> str:
    return str(origin.get(key) or (origin.get("places") or {}).get(key) or "")


def _name(sequence: str, one: Seen, known: Sequence[str]) -> Iterator[UnlikeTraining]:
    """Find a file whose name, or whose role in the import, belongs to another sequence."""
    role = str(one.origin.get("role") or "")
    others = [name for name in known if name != sequence]
    if role in others:
        yield UnlikeTraining(
            "name", sequence,
            f"--image {sequence}={one.image}: 'radstudy import' wrote this file as {role}", True,
        )  # fmt: skip
        return
    stem = one.image.name.partition(".")[0]
    if _holds(stem, sequence):
        return
    if named := next((name for name in others if _holds(stem, name)), ""):
        yield UnlikeTraining("name", sequence, f"--image {sequence}={one.image}: the file's name says {named}", True)


def _holds(text: str, name: str) -> bool:
    """True if a name appears in a text as a separate word."""
    return re.search(rf"(?<![0-9a-z]){re.escape(name.casefold())}(?![0-9a-z])", text.casefold()) is not None
