"""Agreement between readers so far, for the study lead: masks, items of the form, and the cases to look at.

Only first locked answers and closed masks count. Outcomes, clinical variables and sets of patients play no part.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from radstudy.app.reading.closed_case import (
    CHARACTERISTICS,
    MASKS,
    ClosedCase,
    DrawnSequence,
    boxed,
    drawn_on,
    observations,
    of_task,
)
from radstudy.app.reading.items import ICC, ItemAgreement, agreement_on
from radstudy.app.reading.remembered import Remembered
from radstudy.app.reading.roster import Lesion
from radstudy.errors import CaseError
from radstudy.imaging.masks.agreement import mask_agreement
from radstudy.statistics import icc

Items = Mapping[str, tuple[str, ...] | None]


@dataclass(frozen=True)
class PairOfMasks:
    """Two readers' masks of one lesion on one sequence.

    Parameters
    ----------
    patient, lesion, sequence : of the lesion.
    reader_a, reader_b : in the study's order.
    dice, hausdorff_95_mm, volume_a_mm3, volume_b_mm3 : as `radstudy.imaging.masks.agreement.MaskAgreement`.
    """

    patient: str
    lesion: str
    sequence: str
    reader_a: str
    reader_b: str
    dice: float
    hausdorff_95_mm: float
    volume_a_mm3: float
    volume_b_mm3: float


@dataclass(frozen=True)
class SequenceAgreement:
    """Agreement of two readers' masks on one sequence.

    Parameters
    ----------
    sequence, reader_a, reader_b : compared.
    lesions : drawn by both.
    dice_median, dice_low, dice_high : of their Dice coefficients.
    volume_icc : ICC(2,1) of the volumes; NaN with fewer than three lesions.
    """

    sequence: str
    reader_a: str
    reader_b: str
    lesions: int
    dice_median: float
    dice_low: float
    dice_high: float
    volume_icc: float


@dataclass(frozen=True)
class PairOfReaders:
    """Agreement of two readers on the form's items."""

    reader_a: str
    reader_b: str
    items: tuple[ItemAgreement, ...]


@dataclass(frozen=True)
class Disagreement:
    """Items on which two readers' first answers differ, for one lesion: item to both answers."""

    patient: str
    lesion: str
    reader_a: str
    reader_b: str
    items: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class ReadersAgreement:
    """Agreement between readers so far.

    Parameters
    ----------
    masks : by sequence and pair of readers.
    pairs : every pair of masks, the lowest Dice coefficient first.
    items : by pair of readers.
    disagreements : lesions on whose items readers differ, those with the most items first.
    """

    masks: tuple[SequenceAgreement, ...]
    pairs: tuple[PairOfMasks, ...]
    items: tuple[PairOfReaders, ...]
    disagreements: tuple[Disagreement, ...]

    def lowest(self, count: int = 10) -> tuple[PairOfMasks, ...]:
        """The pairs of masks with the lowest Dice coefficients."""
        return self.pairs[:count]


def readers_agreement(
    cases: Sequence[ClosedCase],
    *,
    readers: Sequence[str],
    sequences: Sequence[str],
    items: Items,
    differs_above: Mapping[str, float] | None = None,
    kept: Remembered[PairOfMasks] | None = None,
) -> ReadersAgreement:
    """Compute the agreement between readers so far.

    Parameters
    ----------
    cases : all closed cases; repeats and practice are left out.
    readers : all readers, in the study's order.
    sequences : of the study, in its order.
    items : item of the form to its levels; None for a number.
    differs_above : number to the difference above which two answers count as different; any difference if absent.
    kept : the pairs of masks that were compared before; a pair is compared again if one of its masks is another object.

    Raises
    ------
    CaseError : two masks of one lesion lie on different grids.
    """
    pairs = mask_pairs(of_task(cases, MASKS), readers, sequences, kept)
    answered = _answers(of_task(cases, CHARACTERISTICS))
    couples = list(itertools.combinations(readers, 2))
    by_items = [PairOfReaders(a, b, _items_of(answered, a, b, items)) for a, b in couples]
    differing = [one for a, b in couples for one in _differing(answered, a, b, items, differs_above or {})]
    return ReadersAgreement(
        masks=tuple(_by_sequence(pairs, couples, sequences)),
        pairs=tuple(sorted(pairs, key=lambda pair: (pair.dice, pair.patient, pair.lesion, pair.sequence))),
        items=tuple(pair for pair in by_items if any(item.lesions for item in pair.items)),
        disagreements=tuple(sorted(differing, key=lambda one: (-len(one.items), one.patient, one.lesion))),
    )


def mask_pairs(
    cases: Sequence[ClosedCase],
    readers: Sequence[str],
    sequences: Sequence[str],
    kept: Remembered[PairOfMasks] | None = None,
) -> list[PairOfMasks]:
    """Compare every two readers' masks of one lesion, by sequence, pair of readers and lesion.

    Parameters
    ----------
    cases, readers, sequences, kept : as of `readers_agreement`.

    Raises
    ------
    CaseError : two masks lie on different grids; names patient, sequence and readers.
    """
    kept = Remembered() if kept is None else kept
    pairs = []
    for sequence in sequences:
        lesions = drawn_on(cases, sequence)
        for a, b in itertools.combinations(readers, 2):
            for key, drawn in sorted(lesions.items()):
                if a in drawn and b in drawn:
                    both = drawn[a], drawn[b]
                    pairs.append(kept.get((sequence, a, b, key), both, partial(_compared, key, sequence, (a, b), both)))
    return pairs


def _compared(
    key: Lesion, sequence: str, readers: tuple[str, str], drawn: tuple[DrawnSequence, DrawnSequence]
) -> PairOfMasks:
    """Compare two readers' masks of one lesion, within the box that holds both."""
    try:
        result = mask_agreement(*boxed(drawn, readers))
    except CaseError as error:
        raise error.located(patient=key[0], lesion=key[1], sequence=sequence) from error
    return PairOfMasks(*key, sequence, *readers, result.dice, result.hausdorff_95, result.volume_a_mm3,
                       result.volume_b_mm3)  # fmt: skip


def _by_sequence(
    pairs: Sequence[PairOfMasks], couples: Sequence[tuple[str, str]], sequences: Sequence[str]
) -> list[SequenceAgreement]:
    results = []
    for sequence, (a, b) in itertools.product(sequences, couples):
        own = [one for one in pairs if (one.sequence, one.reader_a, one.reader_b) == (sequence, a, b)]
        if own:
            values = [one.dice for one in own]
            volumes = np.array([(one.volume_a_mm3, one.volume_b_mm3) for one in own])
            results.append(
                SequenceAgreement(sequence, a, b, len(own), float(np.median(values)), min(values), max(values),
                                  float(icc(volumes, ICC).value))
            )  # fmt: skip
    return results


def _answers(cases: Sequence[ClosedCase]) -> dict[Lesion, dict[str, Mapping[str, Any]]]:
    """Lesion to reader to first locked answers."""
    answers: dict[Lesion, dict[str, Mapping[str, Any]]] = {}
    for case in cases:
        answers.setdefault(case.key, {})[case.reader] = case.answers
    return answers


def _items_of(
    answered: Mapping[Lesion, Mapping[str, Mapping[str, Any]]], a: str, b: str, items: Items
) -> tuple[ItemAgreement, ...]:
    both = [answered[key] for key in sorted(answered) if a in answered[key] and b in answered[key]]
    return tuple(
        agreement_on(item, levels, [(one[a].get(item), one[b].get(item)) for one in both])
        for item, levels in items.items()
    )


def _differing(
    answered: Mapping[Lesion, Mapping[str, Mapping[str, Any]]],
    a: str,
    b: str,
    items: Items,
    above: Mapping[str, float],
) -> list[Disagreement]:
    results = []
    for (patient, lesion), given in answered.items():
        if a in given and b in given:
            pairs = {item: (given[a].get(item), given[b].get(item)) for item in items}
            differing = {item: pair for item, pair in pairs.items() if _differ(pair, items[item], above.get(item, 0.0))}
            if differing:
                results.append(Disagreement(patient, lesion, a, b, differing))
    return results


def _differ(pair: tuple[Any, Any], levels: tuple[str, ...] | None, above: float) -> bool:
    """True if two answers differ: numbers by more than a bound, rounded as they are written."""
    if levels is None and observations([pair]):
        return round(abs(float(pair[0]) - float(pair[1])), 9) > above
    return bool(pair[0] != pair[1])
