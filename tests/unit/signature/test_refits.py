"""The interval of a probability: the central share of the refits, and why there is none."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import special

from radstudy.errors import RefusedError
from radstudy.modelling.refits.forms import RawForm
from radstudy.signature.document import read_signature, write_signature
from radstudy.signature.predict import predict_patient
from radstudy.signature.refits import RefittedForms

GAP = np.array([np.nan])


def refits(count=40, level=0.95, names=("T2:a",)):
    forms = tuple(RawForm(number / 10 - 2, names, np.array([0.5]), GAP) for number in range(count))
    return RefittedForms(count, level, forms)


def test_the_interval_is_the_central_share_of_the_refits_probabilities():
    made = refits().interval({"T2:a": 1.0})
    odds = np.arange(40) / 10 - 1.5
    assert (made.low, made.high) == pytest.approx(tuple(special.expit(np.quantile(odds, [0.025, 0.975]))))
    assert (made.used, made.refits, made.note) == (40, 40, "")


def test_too_few_refits_give_no_interval():
    made = refits(39).interval({"T2:a": 1.0})
    assert made.low is None and "39 refits are too few for an interval; it takes 40" in made.note
    assert refits(20, level=0.9).interval({"T2:a": 1.0}).low is not None


def test_a_refit_whose_column_is_not_known_is_left_out_and_said():
    other = replace(refits(), forms=(*refits(60).forms, *refits(20, names=("DCE:b",)).forms))
    made = other.interval({"T2:a": 1.0})
    assert made.used == 60 and made.low is not None
    assert made.note.startswith("20 of the 80 refits are not used: they use DCE, not given for this patient")
    assert other.interval({"T2:a": np.nan, "DCE:b": 1.0}).low is None


def test_the_refits_are_the_same_after_they_were_written(tmp_path):
    made = replace(refits(), forms=(*refits().forms, RawForm(1.5, ("T2:a", "clinical:age"), np.array([1.0, -0.25]),
                                                             np.array([0.1, np.nan]))),
                   clinical={"age": {"unit": "years"}})  # fmt: skip
    again = RefittedForms.read(json.loads(json.dumps(made.as_dict())))
    assert again.as_dict() == made.as_dict() and again.variables == ("age",) and again.sequences == ("T2",)


def test_further_sequences_and_variables_of_the_refits_may_be_given(small, signature, patient, tmp_path):
    names = ("DCE:original_firstorder_Mean", "clinical:height")
    more = tuple(RawForm(number / 50, names, np.array([1e-4, 1e-3]), np.full(2, np.nan)) for number in range(40))
    whole = replace(signature, refits=RefittedForms(40, 0.95, more, {"height": {"unit": "cm"}}))
    write_signature(whole, tmp_path / "s.json")
    read = read_signature(tmp_path / "s.json")
    given = patient(0)
    without = predict_patient(read, **given)
    assert without.interval.low is None and "they use DCE, height, not given" in without.interval.note
    for kind, end in (("images", ""), ("masks", "_a")):
        given[kind]["DCE"] = small / "p0" / f"DCE{end}.nii.gz"
    given["clinical"]["height"] = "170"
    made = predict_patient(read, **given)
    assert made.probability == without.probability
    assert 0 < made.interval.low < made.interval.high < 1
    assert "95 % interval: 0." in made.as_text() and "40 refits" in made.as_text()
    given["clinical"]["height"] = "tall"
    with pytest.raises(RefusedError, match="--clinical height=tall: this is not a number"):
        predict_patient(read, **given)
