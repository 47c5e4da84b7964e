"""Images and masks unlike those of training: grid, intensities, lesion, file, and what two sequences have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from radstudy.imaging.n4 import tied_axes
from radstudy.protocol.prepare import N4, PreparationStep
from radstudy.protocol.words import listed
from radstudy.signature.applicability.finding import NOT_CHECKED, UnlikeTraining
from radstudy.signature.applicability.seen import Seen
from radstudy.signature.mask_shape import MaskShape
from radstudy.signature.training import (
    WIDENED,
    ImageRange,
    PairRange,
    Range,
    TrainingDistribution,
    ordered_grid,
)
from radstudy.space.grid import spacing_text

SPACING_FACTOR, MATRIX_FACTOR = 1.25, 1.5  # beyond the training range: refused
REMARK_FACTOR = 1.02  # of a spacing, beyond the training range: reported
SCALE_FACTOR = 5.0  # of the upper end of an image's intensities, beyond the training range: refused
LEAST_MM = 5.0  # by which a distance between two masks may always exceed the training range
LEAST_FACTOR = 1.25  # by which a volume or a ratio of volumes may always exceed it


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


# --- masks, and what N4 samples -----------------------------------------------------------------------------------


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
