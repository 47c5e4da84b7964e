"""The example patients: chosen by the rule, from those who have pictures, and named with their probabilities."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import AbsentError
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import WIDTHS_MM
from unit.report.conftest import MORE_STUDY, keep_pictures

CUTOFF = 0.5


@pytest.fixture
def study(pictured):
    """Ten testing patients with probabilities by hand; the cut-off is 0.5."""
    given = {0: [0.1, 0.2, 0.3, 0.6, 0.9], 1: [0.9, 0.8, 0.7, 0.4, 0.2]}
    rows = [(f"testing{2 * place + outcome}", outcome, value)
            for outcome, values in given.items() for place, value in enumerate(values)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["patient", "outcome", "probability"])
    pictured.frames["model/predictions.csv"] = frame.assign(lesion="1", set="testing", model="combined")
    table = pictured.frames["evaluate/table3.csv"]
    pictured.frames["evaluate/table3.csv"] = table.assign(cutoff=CUTOFF)
    return pictured


def chosen(facts):
    frame = FIGURES["examples"](facts).frame
    return list(frame[["patient", "outcome", "correct"]].itertuples(index=False, name=None))


def test_the_rule_by_hand(study):
    """Medians: positives 0.7, of the missed 0.3 (0.4 and 0.2 are as near); negatives 0.3, of the false alarms 0.75."""
    assert chosen(study) == [
        ("testing5", 1, True), ("testing7", 1, False), ("testing4", 0, True), ("testing6", 0, False),
    ]  # fmt: skip


def test_a_patient_without_pictures_is_passed_over_and_named(study):
    paths = tuple(path for path in study.pictures if not path.stem.startswith("testing5_"))
    drawing = FIGURES["examples"](replace(study, pictures=paths))
    assert drawing.frame["patient"].iloc[0] == "testing3"  # 0.8, the next to 0.7 among the correct ones
    assert "Without pictures, and so not eligible: patient testing5." in drawing.notes[0]


def test_a_damaged_picture_is_passed_over(study):
    for path in study.pictures:
        if path.stem.startswith("testing5_"):
            path.write_bytes(b"damaged")
    assert chosen(study)[0][0] == "testing3"


def test_pictures_of_another_version_are_no_error(study):
    for path in study.pictures:
        np.savez(path, image=np.zeros((4, 4)))
    with pytest.raises(AbsentError, match="can be read"):
        FIGURES["examples"](study)


def test_without_an_error_of_the_model_there_is_no_misclassified_patient(study):
    frame = study.frames["model/predictions.csv"]
    study.frames["model/predictions.csv"] = frame[(frame["probability"] >= CUTOFF) == (frame["outcome"] == 1)]
    assert [right for _, _, right in chosen(study)] == [True, True]


def test_ties_go_to_the_first_of_the_cohort(study):
    frame = study.frames["model/predictions.csv"]
    study.frames["model/predictions.csv"] = frame.assign(probability=0.7)
    assert chosen(study) == [("testing1", 1, True), ("testing0", 0, False)]
    study.frames["cohort/rows.csv"] = study.frames["cohort/rows.csv"].iloc[::-1].reset_index(drop=True)
    assert chosen(study) == [("testing9", 1, True), ("testing8", 0, False)]


def test_notes_name_rule_model_cut_off_and_every_patient(study):
    drawing = FIGURES["examples"](study)
    assert drawing.notes[0].startswith("Rule: of each class, the correctly classified case whose probability is")
    assert "Model: combined, the primary model; cut-off 0.500." in drawing.notes[0]
    assert "a, patient testing5, malignant, predicted 0.700, correctly classified" in drawing.notes[1]
    assert "d, patient testing6, benign, predicted 0.600, misclassified" in drawing.notes[1]
    assert drawing.notes[1].rstrip(".") in drawing.alt
    assert list(drawing.frame["nearest_to"]) == pytest.approx([0.7, 0.3, 0.3, 0.75])


def test_the_numbers_of_the_notes_cite_their_cells(study):
    notes = FIGURES["examples"](study.cited()).notes
    assert "model/predictions.csv" in notes[1] and "evaluate/table3.csv" in notes[0]


def test_pictures_keep_their_proportions_and_a_missing_one_is_said(study):
    paths = tuple(path for path in study.pictures if path.stem != "testing5_1_DWI")
    drawn = FIGURES["examples"](replace(study, pictures=paths)).figure
    images = [image for axes in drawn.axes for image in axes.images]
    assert len(images) == 2 * 4 - 1
    for image in images:
        left, right, low, high = image.get_extent()
        rows, columns = image.get_array().shape[:2]
        assert (high - low) / (right - left) == pytest.approx(rows / columns)
    assert [text.get_text() for axes in drawn.axes for text in axes.texts].count("no picture") == 1


def test_without_images_or_wish_for_them_the_reason_is_given(study):
    off = MORE_STUDY + "report: {quality_pictures: false}\n"
    with pytest.raises(AbsentError, match=r"report\.quality_pictures"):
        FIGURES["examples"](replace(study, protocol=parse_protocol(off)))
    with pytest.raises(AbsentError, match="prepare/pictures is empty"):
        FIGURES["examples"](replace(study, pictures=()))
    study.frames["model/predictions.csv"] = study.frames["model/predictions.csv"].iloc[:0]
    with pytest.raises(AbsentError, match="No model has predicted the testing set"):
        FIGURES["examples"](study)


@pytest.mark.parametrize("count", [1, 2, 8, 11])
def test_any_number_of_sequences_fits(study, tmp_path, count):
    names = [f"S{i}" for i in range(count)]
    text = MORE_STUDY.replace("\n  transfer: {from: T2, to: [DWI]}", "").replace("[T2, DWI]\nprep", f"{names}\nprep")
    text = text.replace("T2: [T2]", "T2: [S0]").replace("DWI: [DWI]", "DWI: [S0]")
    facts = keep_pictures(replace(study, protocol=parse_protocol(text)), tmp_path, ["testing5", "testing4"], names)
    drawn = FIGURES["examples"](facts).figure
    assert sum(len(axes.images) for axes in drawn.axes) == 2 * count
    assert drawn.get_figwidth() * 25.4 == pytest.approx(list(WIDTHS_MM.values())[min(count, 3) - 1])
    drawn.draw_without_rendering()
    for image in (image for axes in drawn.axes for image in axes.images):
        box = image.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= drawn.bbox.x1 + 1 and box.y0 >= 0 and box.y1 <= drawn.bbox.y1 + 1
