"""Every figure and table of a validation: made of what it says it reads, rectangular, and in the outline."""

import json
from importlib import resources

import numpy as np
import pytest
from ruamel.yaml import YAML

from radstudy.modelling.models import LinearForm
from radstudy.report.facts import read_facts
from radstudy.report.figures.style import rendered, style
from radstudy.report.outline import VALIDATION, outline_of
from radstudy.report.validation import FIGURES, TABLES, TEXTS
from radstudy.report.validation.text import answer, results
from radstudy.signature.document import read_signature, stated_hash
from radstudy.signature.external import read_external_study
from radstudy.validation import validate
from unit.external_cohorts import formula, write_cohort, write_model
from unit.report.test_registry import watched


def site(rng, rows):
    return rng.choice(["north", "south"], rows)


def validated(folder, form=None):
    """The facts of a validation without its page: with a patient outside, one that lacks a value, and subgroups."""
    frame, file = write_cohort(folder, rows=120, more=", ignore: [site]", site=site)
    frame.loc[0, "a"], frame.loc[1, "b"] = 60.0, np.nan
    frame.to_csv(folder / "table.csv", index=False)
    signature = write_model(folder, form=form)
    document = json.loads(signature.read_text(encoding="utf-8"))
    document["performance"] = {
        "testing": {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9, "sensitivity": 0.75},
        "nested": {"nested_auc": 0.72, "nested_low": 0.6, "nested_high": 0.84}, "calibration": {"slope": 0.9},
    }  # fmt: skip
    document["hash"] = stated_hash(document)[1]
    signature.write_text(json.dumps(document), encoding="utf-8")
    validate(signature, file, out=folder / "out", by=["site"], jobs=1)
    protocol = read_external_study(read_signature(signature), file, folder).protocol
    return read_facts(protocol, folder / "out").cited()


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("radstudy.validation.do_validation_report", lambda run: None)
        yield validated(tmp_path_factory.mktemp("validated"))


@pytest.mark.parametrize("figure", FIGURES.values(), ids=lambda part: part.name)
def test_every_figure_is_drawn_from_what_it_reads(facts, figure):
    seen = watched(facts)
    with style():
        drawing = figure.make(seen)
        assert b"<svg" in rendered(drawing.figure, ["svg"])["svg"][:2000]
    assert len(drawing.alt) > 40
    assert seen.frames.asked | seen.documents.asked == set(figure.reads)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda part: part.name)
def test_every_table_is_rectangular_and_made_of_what_it_reads(facts, table):
    seen = watched(facts)
    made = table.make(seen)
    asked = seen.frames.asked | seen.documents.asked
    if table.name != "validated_steps":  # asks for every step that a run may have
        assert asked <= set(table.reads)
    assert made.rows
    widths = {sum(cell.span for cell in row) for row in (*made.header, *made.rows)}
    assert len(widths) == 1, widths


def test_the_outline_has_every_part_once():
    text = (resources.files("radstudy.report") / VALIDATION).read_text(encoding="utf-8")
    parts = [entry for section in YAML(typ="safe").load(text) for entry in section["parts"]]
    for kind, names in (("figure", FIGURES), ("table", TABLES), ("text", TEXTS)):
        named = [entry[kind] for entry in parts if kind in entry and entry[kind].startswith("validated")]
        assert sorted(named) == sorted(names)


def test_the_development_stands_beside_the_validation(facts):
    rows = {row[0].plain().text: row[1].plain().text for row in TABLES["validated_beside"](facts).rows}
    assert rows["AUC"] == "0.800 (0.700 to 0.900), testing; 0.720 (0.600 to 0.840), inside the folds"
    assert rows["Sensitivity, %"] == "75.0, testing"
    assert rows["Calibration slope"] == "0.900, testing"
    assert rows["Specificity, %"] == "–"


def test_the_answer_says_who_is_outside_and_what_is_missing(facts):
    with outline_of(facts.protocol.report, VALIDATION):
        told = " ".join(str(paragraph.text) for paragraph in (*answer(facts), *results(facts)))
    assert "feature (1)" in told
    assert "too few patients" in told


def test_a_formula_without_features_says_that_nothing_can_be_ranked(tmp_path, monkeypatch):
    monkeypatch.setattr("radstudy.validation.do_validation_report", lambda run: None)
    own = validated(tmp_path, form=LinearForm(formula().intercept, ()))
    told = " ".join(paragraph.text for paragraph in answer(own))
    assert "A sentence is missing" not in told
    assert "includes 0.5" in told
