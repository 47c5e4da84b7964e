"""The nomogram against the formula: points read off it give the model's own probability."""

import copy
import itertools

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.models import LinearForm, Term
from radstudy.report.facts import AbsentError
from radstudy.report.figures import FIGURES
from radstudy.report.figures.nomogram import ticks_of
from radstudy.report.figures.style import style
from radstudy.report.nomogram import nomogram_of, probabilities
from radstudy.report.tables import TABLES


def points(nomogram, patient):
    """A patient's points in total."""
    return sum(scale.points(patient[scale.name]) for scale in nomogram.scales)


def formula(facts):
    found = facts.documents["signature.json"]["formula"]
    terms = tuple(
        Term(t["name"], t["imputation"], t["centre"], t["scale"], t["coefficient"], tuple(t["training_range"]))
        for t in found["terms"]
    )
    return LinearForm(found["intercept"], terms)


def patients(count):
    """Patients all over the training range and beyond it, with every level of the margin."""
    rng = np.random.default_rng(0)
    levels = itertools.cycle(("smooth", "lobed", "spiculated"))
    return [
        {"T2:original_firstorder_Mean": rng.uniform(100, 500), "DWI:original_glcm_Contrast": rng.uniform(-2, 14),
         "clinical:age": rng.uniform(20, 90), "clinical:margin": level}
        for _, level in zip(range(count), levels, strict=False)
    ]  # fmt: skip


def probability(facts, patient):
    """What predict computes: the formula on the design row."""
    row = dict(patient)
    level = row.pop("clinical:margin")
    row |= {f"clinical:margin={name}": float(level == name) for name in ("lobed", "spiculated")}
    return 1 / (1 + np.exp(-formula(facts).log_odds(pd.DataFrame([row]))[0]))


def test_points_give_the_probability_of_the_formula(facts):
    found = nomogram_of(facts)
    for patient in patients(300):
        assert found.probability(points(found, patient)) == pytest.approx(probability(facts, patient), abs=1e-12)


def test_by_hand(facts):
    """0.8 / 45 log-odds a unit over 240 units is 4.27; DWI's 1.1 / 2 over 10.5 units is 5.775, the longest."""
    scales = {scale.name: scale for scale in nomogram_of(facts).scales}
    t2, dwi, margin = (
        scales[n] for n in ("T2:original_firstorder_Mean", "DWI:original_glcm_Contrast", "clinical:margin")
    )
    assert dwi.longest == pytest.approx(100)
    assert dwi.points(11.0) == pytest.approx(0)  # a negative coefficient: the highest value has no points
    assert dwi.points(0.5) == pytest.approx(100)
    assert t2.points(420.0) == pytest.approx(100 * (0.8 / 45 * 240) / (1.1 / 2 * 10.5))
    per_point = 1.1 / 2 * 10.5 / 100
    assert margin.points("smooth") == pytest.approx(0.2 / 0.49 / per_point)
    assert margin.points("lobed") == pytest.approx(0)
    assert margin.points("spiculated") == pytest.approx((0.6 / 0.43 + 0.2 / 0.49) / per_point)
    with pytest.raises(KeyError):
        margin.points("no such level")


def test_the_drawing_is_read_as_the_formula(facts):
    """Ticks where they are drawn: points above a value, the probability below a total."""
    found = nomogram_of(facts)
    drawing = FIGURES["nomogram"](facts)
    (axes,) = drawing.figure.axes
    drawn = {}
    for text in axes.texts:
        x, y = text.get_position()
        drawn.setdefault(round(y), []).append((x, text.get_text()))
    bottom = max(drawn)
    for row, scale in enumerate(found.scales, start=1):
        for points, label in ticks_of(scale):
            if not scale.levels:
                assert scale.points(float(label.replace("−", "-"))) == pytest.approx(points)
        read = [(x, label) for x, label in drawn[row] if x >= 0]
        assert len(read) > 1
        for x, label in read:
            value = label if scale.levels else float(label.replace("−", "-"))
            assert scale.points(value) == pytest.approx(x)
    totals = [(x, float(label)) for x, label in drawn[bottom - 1] if x >= 0]
    slope = np.polyfit(*zip(*totals, strict=True), 1)
    for x, label in drawn[bottom]:
        if x >= 0:
            assert found.probability(np.polyval(slope, x)) == pytest.approx(float(label), abs=1e-9)
    assert "cut-off 0.400" in drawing.notes[0]


def test_probabilities_out_of_reach_are_not_drawn(facts):
    found = nomogram_of(facts)
    reached = probabilities(found, (1e-9, 0.5, 1 - 1e-9))
    assert [p for p, _ in reached] == [0.5]
    assert found.probability(found.total(0.37)) == pytest.approx(0.37)


def test_levels_that_the_formula_does_not_tell_apart_share_a_tick(facts):
    document = copy.deepcopy(facts.documents["signature.json"])
    document["formula"]["terms"] = [t for t in document["formula"]["terms"] if t["name"] != "clinical:margin=lobed"]
    facts.documents["signature.json"] = document
    margin = nomogram_of(facts).scales[-1]
    assert [names for names, _ in margin.levels] == [("smooth", "lobed"), ("spiculated",)]
    assert margin.points("smooth") == margin.points("lobed") == 0


def test_a_term_without_influence_is_left_out_and_said(facts):
    document = copy.deepcopy(facts.documents["signature.json"])
    document["formula"]["terms"][2]["coefficient"] = 0.0
    facts.documents["signature.json"] = document
    found = nomogram_of(facts)
    assert found.without == ("Age",)
    patient = patients(1)[0]
    assert found.probability(points(found, patient)) == pytest.approx(probability(facts, patient), abs=1e-12)
    assert "Without influence, not drawn: Age." in FIGURES["nomogram"](facts).notes[0]


def test_a_cut_off_that_calls_nobody_positive_is_not_drawn(facts):
    facts.documents["signature.json"] = {**facts.documents["signature.json"], "cutoff": None}
    drawing = FIGURES["nomogram"](facts)
    assert not [line for line in drawing.figure.axes[0].lines if line.get_marker() == "v"]
    assert "Orange" not in drawing.notes[0]


def test_no_nomogram_says_why(facts):
    document = copy.deepcopy(facts.documents["signature.json"])
    facts.documents["signature.json"] = {**document, "formula": None}
    with pytest.raises(AbsentError, match="combined is not a linear model"):
        FIGURES["nomogram"](facts)
    document["formula"]["terms"] = []
    facts.documents["signature.json"] = document
    with pytest.raises(AbsentError, match="the same for every patient"):
        nomogram_of(facts)
    del facts.documents["signature.json"]
    with pytest.raises(AbsentError, match=r"signature\.json is missing"):
        TABLES["nomogram"](facts)


def test_the_table_of_points_gives_the_probability_of_the_formula(facts):
    """Someone with the printed table and a pocket calculator."""
    table = TABLES["nomogram"](facts)
    numbers = {row["variable"]: row for _, row in table.frame.iterrows() if row["variable"].count(":") and
               "margin" not in row["variable"]}  # fmt: skip
    levels = table.frame[table.frame["variable"] == "clinical:margin"].set_index("value")["points_or_probability"]
    inner = table.footnotes[0].split("exp(-(")[1].split(" x total")[0]
    start, per_point = (float(part) for part in inner.split(" + "))
    for patient in patients(20):
        total = levels[patient["clinical:margin"]]
        total += sum(
            row["points_or_probability"] * (patient[name] - float(row["value"])) for name, row in numbers.items()
        )
        read = 1 / (1 + np.exp(-(start + per_point * total)))
        assert read == pytest.approx(probability(facts, patient), abs=1e-4)  # the footnote prints six digits


def test_no_label_is_cut_off_at_the_edge_of_the_figure(facts):
    """Names as PyRadiomics has them, and a level on the longest scale's end."""
    found = facts.documents["signature.json"] = copy.deepcopy(facts.documents["signature.json"])
    names = ["DCE7 lesion:log-sigma-1-0-mm-3D_glcm_Imc1WW", "DWI:original_glcm_MaximumProbabilityWWW",
             "T2:wavelet-LLH_glszm_WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"]  # fmt: skip
    terms = found["formula"]["terms"]
    for term, name in zip(terms[:3], names, strict=True):
        term["name"] = name
    terms[4]["coefficient"] = 40.0  # the level 'spiculated' ends the longest scale
    with style():
        drawn = FIGURES["nomogram"](facts).figure
        drawn.set_dpi(300)  # as the file has it
        drawn.draw_without_rendering()
        for text in drawn.axes[0].texts:
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= drawn.bbox.width, text.get_text()
