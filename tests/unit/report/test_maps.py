"""The report's feature maps, from the files that the step extract leaves."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radstudy.imaging.planes import lesion_planes
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.report import maps as report_maps
from radstudy.report.facts import AbsentError, read_facts
from radstudy.report.maps import draw, map_sheet, scale
from radstudy.report.outline import number_of
from radstudy.report.text.methods import methods
from radstudy.report.write import write_report
from radstudy.store import write_arrays, write_csv, write_json

MEAN, ENTROPY = "original_firstorder_Mean", "original_glcm_JointEntropy"
STUDY = f"""
study: test
cohort:
  patient: id
  outcome: {{column: y, positive: "1"}}
  split: {{column: set}}
  images: "{{patient}}/{{sequence}}.nii.gz"
  masks: "{{patient}}/{{sequence}}_{{reader}}.nii.gz"
  readers: [a, b]
sequences: [T2, DWI]
prepare: []
extract:
  maps: {{features: [{MEAN}, {ENTROPY}]}}
model: {{select: [{{boosted_trees: {{keep: 2}}}}], models: {{T2: [T2]}}}}
"""
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def planes_of(offset):
    """Planes of a block in noise, with a mean that rises to the head, from `offset`, and a constant entropy."""
    rng = np.random.default_rng(0)
    mask = np.zeros((20, 22, 14), dtype=bool)
    mask[5:15, 6:16, 3:11] = True
    rising = np.where(mask, offset + np.arange(14.0) * 100, np.nan)
    overlays = {MEAN: Volume(rising, AFFINE), ENTROPY: Volume(np.where(mask, 2.5, np.nan), AFFINE)}
    return lesion_planes(Volume(rng.normal(100, 9, mask.shape), AFFINE), {"a": Roi(mask, AFFINE)}, overlays=overlays)


def row(patient, sequence, feature, problem=""):
    known = {"radius": 1, "spacing_mm": "1 x 1 x 2", "voxels": 800} if not problem else {}
    return {"patient": patient, "lesion": "1", "sequence": sequence, "feature": feature, **known,
            "problem": problem, "remedy": ""}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Two patients' maps on two sequences."""
    rows = []
    for number, patient in enumerate(("007", "P1")):
        for sequence in ("T2", "DWI"):
            write_arrays(tmp_path / "extract" / "maps" / f"{patient}_1_{sequence}.npz", planes_of(1000.0 * number))
            rows += [row(patient, sequence, feature) for feature in (MEAN, ENTROPY)]
    write_csv(tmp_path / "extract" / "maps" / "maps.csv", pd.DataFrame(rows))
    return tmp_path


def facts_of(run, change=("", "")):
    return read_facts(parse_protocol(STUDY.replace(*change)), run)


def test_one_block_a_sequence_and_feature_with_every_patient_on_one_scale(run):
    sheet = map_sheet(facts_of(run))
    assert [(group.sequence, group.feature) for group in sheet.groups] == [
        (sequence, feature) for sequence in ("T2", "DWI") for feature in (MEAN, ENTROPY)
    ]
    for group in sheet.groups:
        assert [picture.patient for picture in group.pictures] == ["007", "P1"]
        assert all(picture.source.startswith("data:image/webp;base64,") for picture in group.pictures)
        assert all(group.feature in picture.alt and picture.patient in picture.alt for picture in group.pictures)
    low, high = scale([planes_of(0.0), planes_of(1000.0)], MEAN)
    assert 300 <= low < 400  # the block's foot in the first patient
    assert 1900 < high <= 2000  # its head in the second
    assert (sheet.groups[0].low, sheet.groups[0].high) == (f"{low:.0f}", f"{high:,.0f} a.u.")
    assert sheet.groups[1].high == "2.50 bit"


def test_the_caption_says_what_the_map_is(run):
    text = " ".join(map_sheet(facts_of(run)).lines)
    assert "cube around it with a side of 3 voxels (radius 1)" in text
    assert "1 x 1 x 2 mm" in text
    assert "descriptive: no model uses it" in text


def test_the_map_is_opaque_inside_the_lesion_and_the_contour_lies_outside(run):
    planes = planes_of(0.0)
    limits = scale([planes], MEAN)
    pixels = np.asarray(draw(planes, MEAN, "a", limits)).astype(int)
    coloured = np.ptp(pixels, axis=2) > 24
    white = (pixels == 255).all(axis=2)
    assert white.any()
    axial = round(planes["image_0"].shape[1] * pixels.shape[0] / planes["image_0"].shape[0])
    coronal = slice(axial + 4, axial + 4 + round(planes["image_1"].shape[1] * 132 / (planes["image_1"].shape[0] * 2)))
    rows = np.flatnonzero(coloured[:, coronal].any(axis=1))
    columns = np.flatnonzero(coloured[:, coronal].any(axis=0))
    assert coloured[rows[0] : rows[-1] + 1, coronal][:, columns[0] : columns[-1] + 1].mean() > 0.99
    assert white[rows[0] - 1, coronal][columns[0] : columns[-1]].all()
    head, foot = (pixels[at, coronal.start + columns.mean().astype(int)] for at in (rows[2], rows[-3]))
    assert head[1] > 200 > head[2]  # yellow
    assert foot[2] > foot[1]  # violet


def test_the_colour_bar_runs_from_violet_to_yellow(run):
    _, _, content = map_sheet(facts_of(run)).groups[0].bar.partition("base64,")
    bar = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert bar[0, 0].tolist() == [68, 1, 84]
    assert bar[0, -1].tolist() == [253, 231, 37]


def test_few_patients_are_shown_whole_and_the_rest_is_said(run, monkeypatch):
    monkeypatch.setattr(report_maps, "MOST", 5)
    sheet = map_sheet(facts_of(run))
    shown = [picture.patient for group in sheet.groups for picture in group.pictures]
    assert sorted(shown) == ["007"] * 4 + ["P1"]
    assert "5 of 8 maps; extract/maps has all." in sheet.lines


def test_maps_that_were_not_made_or_cannot_be_read_are_said(run):
    table = pd.read_csv(run / "extract" / "maps" / "maps.csv", dtype=str)
    lost = row("P2", "T2", MEAN, "the mask is empty")
    write_csv(run / "extract" / "maps" / "maps.csv", pd.concat([table, pd.DataFrame([lost])]))
    (run / "extract" / "maps" / "P1_1_T2.npz").write_bytes(b"PK\x03\x04 not whole")
    sheet = map_sheet(facts_of(run))
    assert [len(group.pictures) for group in sheet.groups] == [1, 1, 2, 2]
    assert "The maps of P1_1_T2 cannot be read." in sheet.lines
    assert sheet.lines[-1] == f"Not made: P2, T2, {MEAN}: the mask is empty."


def test_nothing_to_show_says_why(run):
    with pytest.raises(AbsentError, match="does not ask for feature maps"):
        map_sheet(facts_of(run, (f"  maps: {{features: [{MEAN}, {ENTROPY}]}}", "  bin_width: 25")))
    write_csv(run / "extract" / "maps" / "maps.csv", pd.DataFrame([row("P2", "T2", MEAN, "the mask is empty")]))
    with pytest.raises(AbsentError, match=r"No map could be made. Not made: P2, T2, .*: the mask is empty"):
        map_sheet(facts_of(run))
    (run / "extract" / "maps" / "maps.csv").unlink()
    with pytest.raises(AbsentError, match="has not finished"):
        map_sheet(facts_of(run))


def test_the_page_holds_the_maps_or_their_absence(run):
    write_json(run / "extract" / "summary.json", {"features": 1, "explained": "one", "settings": {}})
    page = write_report(parse_protocol(STUDY), run).read_text(encoding="utf-8")
    assert "Terms used in this report" in page and "<b>apparent</b>" in page
    part = page[page.index(number_of("maps", "all")) : page.index(number_of("table", "icc"))]
    assert part.count("data:image/webp") == 8
    assert part.count("data:image/png") == 4
    assert part.count("<img") == part.count(' alt="') == 12
    without = parse_protocol(STUDY.replace(f"  maps: {{features: [{MEAN}, {ENTROPY}]}}", "  bin_width: 25"))
    page = write_report(without, run).read_text(encoding="utf-8")
    assert "The study file does not ask for feature maps (extract.maps)." in page


def test_the_methods_name_the_maps(run):
    text = " ".join(paragraph.text for paragraph in methods(facts_of(run)))
    assert (
        f"{MEAN} and {ENTROPY} were also computed in the neighbourhood of every voxel of the lesions of 2 pat" in text
    )
