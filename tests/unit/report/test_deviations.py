"""Deviations from the preset, and the places that the authors must complete."""

import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report.cited import plain
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.text import TEXTS
from radstudy.report.text.author import author_marks, marks_in
from radstudy.report.text.deviations import deviations
from radstudy.report.text.paragraph import Paragraph

STUDY = """
study: test
preset: her2-ihc2plus/1
cohort: {table: other.csv, images: "a/{patient}/{sequence}.nii.gz", readers: [x, y]}
"""
VERSIONS = {"radstudy": "1.0", "python": "3.12", "platform": "Linux", "numpy": "2.0"}


def facts_of(text, documents=()):
    return RunFacts(
        parse_protocol(text), {}, {f"{step}/provenance.json": {"versions": VERSIONS} for step in documents}, (), {}
    )


def text_of(facts):
    return plain(deviations(facts)[0].text)


def test_files_and_names_of_the_study_are_no_deviation():
    assert text_of(facts_of(STUDY)).startswith("Every setting that the protocol fixes is as the protocol has it.")


def test_each_changed_setting_is_named_with_both_values_and_asks_for_the_reason():
    text = text_of(facts_of(STUDY + "extract: {bin_width: 10}\nevaluate: {chance: {permutations: 200}}\n"))
    assert "extract.bin_width: 10, in the protocol 25 [AUTHOR: reason for extract.bin_width.]" in text
    assert (
        "evaluate.chance.permutations: 200, in the protocol 1000 [AUTHOR: reason for evaluate.chance.permutations.]"
        in text
    )
    assert text.count("[AUTHOR: reason for ") == 2


def test_what_was_switched_off_is_named():
    text = text_of(facts_of(STUDY + "evaluate: {chance: null}\n"))
    assert "evaluate.chance.permutations: not set, in the protocol 1000" in text


def test_a_study_without_a_preset_has_no_deviations():
    protocol = parse_protocol(STUDY)
    object.__setattr__(protocol, "preset", None)
    with pytest.raises(AbsentError, match="follows no preset"):
        deviations(RunFacts(protocol, {}, {}, (), {}))


def test_authors_are_asked_only_about_steps_that_were_done():
    assert author_marks(facts_of(STUDY), "Patients") == ""
    marks = author_marks(facts_of(STUDY, ["cohort"]), "Patients")
    assert "[AUTHOR: how FISH was determined" in marks
    assert "experience of x and y" in author_marks(facts_of(STUDY, ["prepare"]), "Segmentation and features")
    assert len(marks_in([Paragraph(marks, "Patients")])) == marks.count("[AUTHOR: ") == 3


def test_all_places_are_listed_together():
    facts = facts_of(STUDY + "extract: {bin_width: 10}\n", ["cohort"])
    facts.frames["cohort/rows.csv"] = pd.DataFrame(
        {"patient": ["1"], "lesion": ["1"], "set": ["training"], "outcome": [1]}
    )
    first, *others = TEXTS["author"](facts)
    assert first.lead == "For the authors to complete" and {one.lead for one in others} == {""}
    lines = [plain(one.text) for one in (first, *others)]
    assert lines[0].startswith("Patients: [AUTHOR: centres")
    assert "Deviations from the protocol her2-ihc2plus/1: [AUTHOR: reason for extract.bin_width.]" in lines
    assert len(lines) == len(set(lines))
