"""The figure of the workflow: what ran with its counts, nothing that did not run, and no text out of its box."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.figures import FIGURES
from radstudy.report.figures.boxes import FlowBox, broken, measured, placed
from radstudy.report.figures.style import style
from unit.report.conftest import MORE_STUDY, DeclaredFrames, keep_pictures

ROUNDING = 3  # pixels of 300 to an inch
LONG = "T1-weighted_fat-suppressed_dynamic_contrast-enhanced_subtraction_series"
EIGHT = [f"SEQUENCE{i}" for i in range(8)]


def texts_of(facts):
    return list(FIGURES["workflow"](facts).frame["text"])


def boxes_of(facts):
    frame = FIGURES["workflow"](facts).frame
    return {stage: [" | ".join(box["text"]) for _, box in part.groupby("box")]
            for stage, part in frame.groupby("stage", sort=False)}  # fmt: skip


def with_study(facts, text):
    return replace(facts, protocol=parse_protocol(text))


def features_only(facts):
    images = '  images: "{patient}/{sequence}.nii.gz"\n  masks: "{patient}/{sequence}_{reader}.nii.gz"\n'
    text = MORE_STUDY.replace(images, "").replace("  readers: [a, b]\n  transfer: {from: T2, to: [DWI]}\n", "")
    text = text.replace("prepare: []", "features: {table: f.csv, sequence: scan}")
    frames = {name: frame for name, frame in facts.frames.items() if not name.startswith("prepare/")}
    return replace(with_study(facts, text), frames=DeclaredFrames(frames), pictures=())


def one_reader(facts):
    text = MORE_STUDY.replace("readers: [a, b]", "readers: [a]")
    lesions = facts.frames["prepare/lesions.csv"]
    facts.frames["prepare/lesions.csv"] = lesions[lesions["reader"] == "a"]
    facts.frames["agree/icc.csv"] = facts.frames["agree/icc.csv"].iloc[:0]
    facts.documents["agree/summary.json"] |= {"note": "one reader", "kept": {}}
    return with_study(facts, text)


def one_sequence(facts):
    text = MORE_STUDY.replace("\n  transfer: {from: T2, to: [DWI]}", "").replace("[T2, DWI]", "[T2]")
    return with_study(facts, text.replace("    DWI: [DWI]\n", ""))


def renamed(facts, folder, sequences):
    """The study with other sequences, and pictures of one patient on all of them."""
    text = MORE_STUDY.replace("\n  transfer: {from: T2, to: [DWI]}", "").replace(
        "sequences: [T2, DWI]", f"sequences: {sequences}"
    )
    text = text.replace("T2: [T2]", f"T2: ['{sequences[0]}']").replace("DWI: [DWI]", f"DWI: ['{sequences[-1]}']")
    study = keep_pictures(with_study(facts, text), folder, ["testing0"], sequences)
    rows = study.frames["prepare/volumes.csv"].iloc[:1]
    study.frames["prepare/volumes.csv"] = pd.concat(
        [rows.assign(sequence=name) for name in sequences], ignore_index=True
    )
    study.documents["agree/summary.json"] |= {
        name: dict.fromkeys(sequences, count)
        for name, count in (("kept", 1100), ("of_sequence", 1218), ("lesions", 30))
    }
    funnel = study.frames["model/funnel.csv"]
    branches = [funnel[funnel["model"] == "T2"].assign(model="combined", branch=name) for name in sequences]
    study.frames["model/funnel.csv"] = pd.concat([funnel, *branches], ignore_index=True)
    return study


STUDIES = {
    "usual": lambda facts, folder: facts,
    "features only": lambda facts, folder: features_only(facts),
    "one reader": lambda facts, folder: one_reader(facts),
    "one sequence": lambda facts, folder: one_sequence(facts),
    "eight sequences": lambda facts, folder: renamed(facts, folder, EIGHT),
    "long names": lambda facts, folder: renamed(facts, folder, [LONG, "W" * 60, "MR" * 20]),
}


@pytest.mark.parametrize("study", STUDIES)
def test_every_text_is_inside_its_box_and_boxes_are_apart(pictured, tmp_path, study):
    drawing = FIGURES["workflow"](STUDIES[study](pictured, tmp_path))
    with style():
        drawn = drawing.figure
        drawn.draw_without_rendering()
        painter = drawn.canvas.get_renderer()
        texts = [one.get_window_extent(painter) for one in drawn.findobj(Text) if one.get_text() and one.get_visible()]
        frames = [one.get_window_extent(painter) for one in drawn.findobj(FancyBboxPatch)]
        pictures = [image.get_window_extent(painter) for axes in drawn.axes for image in axes.images]
    assert len(texts) > 15 and len(frames) > 8
    page = drawn.bbox
    for one in (*texts, *frames, *pictures):
        assert page.x0 - ROUNDING <= one.x0 and one.x1 <= page.x1 + ROUNDING
        assert page.y0 - ROUNDING <= one.y0 and one.y1 <= page.y1 + ROUNDING
    for one, other in (*combinations(texts, 2), *combinations([*frames, *pictures], 2)):
        assert not overlap(one, other), (one, other)
    for text in texts:
        own = [frame for frame in frames if overlap(text, frame)]
        assert not any(overlap(text, picture) for picture in pictures)
        assert all(frame.x0 - ROUNDING <= text.x0 and text.x1 <= frame.x1 + ROUNDING
                   and frame.y0 - ROUNDING <= text.y0 and text.y1 <= frame.y1 + ROUNDING for frame in own)  # fmt: skip
        assert len(own) <= 1


def overlap(one, other):
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return wide > ROUNDING and high > ROUNDING


def test_the_boxes_have_the_counts_of_the_run(pictured):
    boxes = boxes_of(pictured)
    assert boxes["Images"] == ["T2 | 1 volume", "DWI | 1 volume"]
    assert boxes["Image preparation"] == ["Resampling | to 1 x 1 x 1 mm", "Discretisation | bin width 25"]
    assert boxes["Segmentation"] == [
        "a | 23 lesions | masks of the models", "b | 23 lesions | agreement only", "Transferred | 1 mask | from T2",
        "Agreement of readers | ICC(2,1) above 0.75 | 30 lesions",
    ]  # fmt: skip
    assert boxes["Features"] == [
        "T2 | 1,218 features | 1,100 reproducible", "DWI | 1,218 features | 1,000 reproducible",
        "In total | 2,436 features | 2,100 reproducible",
    ]  # fmt: skip
    assert "combined | primary model | 5 terms" in boxes["Models"]
    assert "Testing set | 22 patients | 11 benign | 11 malignant" in boxes["Models"]
    assert "Permutation tests | 999 permutations" in boxes["Evaluation"]
    assert "Nested cross-validation | 60 repeats, 5 folds" in boxes["Evaluation"]


def test_the_selection_is_that_of_the_primary_model(pictured):
    funnel = pictured.frames["model/funnel.csv"]
    own = [("T2", "impute", 1100, 1100), ("T2", "collinear", 1100, 90), ("clinical", "screen", 3, 1)]
    more = pd.DataFrame([("combined", *row) for row in own], columns=["model", "branch", "step", "entered", "kept"])
    pictured.frames["model/funnel.csv"] = pd.concat([funnel, more], ignore_index=True)
    assert boxes_of(pictured)["Selection for combined"] == [
        "T2: 1,100", "Values known: 1,100", "Not collinear: 90", "clinical: 3", "Univariate regression: 1",
    ]  # fmt: skip


def test_preparation_has_the_steps_of_the_volumes_histories_and_no_others(pictured):
    text = MORE_STUDY.replace("prepare: []", "prepare: [{n4: {shrink: 2}}, {rescale: {to: [0, 500]}}, {zscore: {}}]")
    volumes = pictured.frames["prepare/volumes.csv"]
    pictured.frames["prepare/volumes.csv"] = volumes.assign(
        history=["read x; N4 (50 iterations); rescale from minmax: 0..9", "read x; rescale from minmax: 0..9"]
    )
    assert boxes_of(with_study(pictured, text))["Image preparation"][:2] == [
        "N4 bias-field correction | shrink factor 2 | 1 of 2 volumes",
        "Linear rescaling | minimum and maximum to 0 and 500",
    ]  # fmt: skip
    assert not any("Z-score" in text for text in texts_of(with_study(pictured, text)))


def test_a_study_of_given_features_has_no_images_readers_or_preparation(pictured):
    drawing = FIGURES["workflow"](features_only(pictured))
    assert set(drawing.frame["stage"]) & {"Images", "Image preparation", "Segmentation"} == {"Images"}
    assert "Table of features" in set(drawing.frame["text"])
    assert not [axes.images for axes in drawing.figure.axes if axes.images]


def test_without_a_second_reader_no_agreement_is_drawn(pictured):
    texts = texts_of(one_reader(pictured))
    assert not any("reproducible" in text or "ICC" in text or "agreement" in text for text in texts)
    assert "2,436 features" in texts


def test_what_was_not_evaluated_is_not_drawn(pictured):
    for name in ("evaluate/chance/chance.csv", "evaluate/delong.csv", "evaluate/resampling/summary.csv"):
        pictured.frames.pop(name)
    boxes = " ".join(boxes_of(pictured)["Evaluation"])
    assert "Calibration" in boxes
    assert not any(word in boxes for word in ("Permutation", "DeLong", "Nested", "Other splits", "Bootstrap"))


def test_a_run_that_did_nothing_has_no_workflow(whole):
    with pytest.raises(AbsentError, match="No step has finished"):
        FIGURES["workflow"](RunFacts(whole.protocol, {}, {}, (), {}))


def test_the_pictures_are_of_the_first_patient_with_the_most_sequences(pictured):
    drawing = FIGURES["workflow"](pictured)
    assert sum(len(axes.images) for axes in drawing.figure.axes) == 2
    assert "patient testing0" in drawing.notes[0] and "the contours of a and b (dashed)" in drawing.notes[0]
    paths = tuple(path for path in pictured.pictures if path.stem != "testing0_1_DWI")
    assert "patient testing1" in FIGURES["workflow"](replace(pictured, pictures=paths)).notes[0]


def test_pictures_of_another_version_are_left_out(pictured):
    for path in pictured.pictures:
        np.savez(path, image=np.zeros((4, 4)))
    drawing = FIGURES["workflow"](pictured)
    assert not any(axes.images for axes in drawing.figure.axes) and not drawing.notes


@pytest.mark.parametrize("text", ["one", "several words of a name", "W" * 90, "a " + "x" * 50, ""])
def test_a_broken_text_fits_and_loses_no_letter(text):
    lines = list(broken(text, 0.8))
    assert all(measured(line) <= 0.8 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_name_is_broken_after_its_underscores_and_hyphens():
    assert list(broken("fat-suppressed_dynamic_series", 0.8)) == ["fat-suppressed_", "dynamic_series"]


def test_boxes_that_do_not_fit_one_line_go_to_the_next():
    row = placed([FlowBox("W" * 12)] * 6, 3.0)
    assert len({box.y for box in row.boxes}) > 1
    assert all(box.x + box.width <= 3.0 + 1e-9 for box in row.boxes)
