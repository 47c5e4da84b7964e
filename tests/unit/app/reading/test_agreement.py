"""The lead's agreement between readers, as computed by others."""

import numpy as np
import pytest
import SimpleITK as sitk
from sklearn.metrics import cohen_kappa_score

from radstudy.app.reading.agreement import readers_agreement
from unit.app.reading.recorded import block

NONE = "not assessable"
ITEMS = {"margin": ("smooth", "rough"), "size": None}


def asked(cases, **more):
    given = {"readers": ("ana", "ben"), "sequences": ("T2", "DWI"), "items": ITEMS}
    return readers_agreement(cases, **{**given, **more})


def test_dice_and_volumes_are_simpleitks_and_the_lowest_come_first(room):
    pairs = {"P1": (block(1, 1, 1), block(2, 1, 1)), "P2": (block(1, 1, 1), block(1, 1, 1)),
             "P3": (block(0, 0, 0), block(3, 3, 2, size=(4, 3, 3)))}  # fmt: skip
    cases = [room.masks(reader, patient, {"T2": mask}) for patient, both in pairs.items()
             for reader, mask in zip(("ana", "ben"), both, strict=True)]  # fmt: skip
    cases.append(room.masks("ana", "P4", {"T2": block(1, 1, 1)}))  # one reader alone: no pair
    cases.append(room.masks("ben", "P2", {"T2": block(0, 0, 0)}, repeat=True))  # not compared
    result = asked(cases)
    assert [pair.patient for pair in result.pairs] == ["P3", "P1", "P2"]
    for pair in result.pairs:
        measure = sitk.LabelOverlapMeasuresImageFilter()
        measure.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in pairs[pair.patient]))
        assert pair.dice == pytest.approx(measure.GetDiceCoefficient())
        assert pair.volume_b_mm3 == pytest.approx(pairs[pair.patient][1].sum() * 1.06 * 1.06 * 4, rel=1e-6)
    (sequence,) = result.masks
    assert (sequence.lesions, sequence.dice_low, sequence.dice_high) == (3, 0.0, 1.0)
    assert result.lowest(1) == result.pairs[:1]


def test_kappa_is_scikit_learns_and_the_items_that_differ_are_listed(room):
    answers = {"P1": (("smooth", 1.0), ("rough", 1.2)), "P2": (("rough", 2.0), ("rough", 2.0)),
               "P3": (("rough", 3.0), ("smooth", 4.0)), "P4": (("smooth", 2.0), ("smooth", NONE))}  # fmt: skip
    cases = [
        room.form(reader, patient, answers=dict(zip(ITEMS, given, strict=True)))
        for patient, both in answers.items()
        for reader, given in zip(("ana", "ben"), both, strict=True)
    ]
    result = asked(cases, differs_above={"size": 0.2})
    margin, size = result.items[0].items
    first, second = zip(*((one[0], two[0]) for one, two in answers.values()), strict=True)
    assert margin.value == pytest.approx(cohen_kappa_score(first, second))
    assert (margin.lesions, size.lesions, size.measure) == (4, 3, "ICC(2,1)")
    assert margin.equal == 2 / 4 and np.isnan(size.equal)
    listed = {one.patient: dict(one.items) for one in result.disagreements}
    assert listed == {"P3": {"margin": ("rough", "smooth"), "size": (3.0, 4.0)}, "P1": {"margin": ("smooth", "rough")},
                      "P4": {"size": (2.0, NONE)}}  # fmt: skip
    assert result.disagreements[0].patient == "P3"


def test_two_lesions_are_too_few_for_an_icc_and_say_so(room):
    cases = [room.form(reader, patient, answers={"size": 1.0 * number})
             for number, patient in enumerate(("P1", "P2")) for reader in ("ana", "ben")]  # fmt: skip
    (size,) = (item for item in asked(cases).items[0].items if item.item == "size")
    assert np.isnan(size.value)
    assert size.note == "fewer than 3 lesions have both answers"
