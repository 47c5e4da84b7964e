"""The report's pictures of bias fields and its table of transferred masks, from a run's files."""

import numpy as np
import pandas as pd
import pytest

from radstudy.imaging.field_view import slices_before
from radstudy.imaging.preparation import prepare_volume
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.prepare import N4
from radstudy.report.facts import AbsentError, read_facts
from radstudy.report.fields import draw, montages
from radstudy.report.figures import FIGURES
from radstudy.report.tables import TABLES
from radstudy.report.text.methods import methods
from radstudy.store import write_csv, write_json

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
  transfer: {from: T2, to: [DWI]}
sequences: [T2, DWI]
prepare:
  - n4: {shrink: 2, iterations: [4]}
  - reference: {mask: x, tissue: fat, to: 800}
  - zscore: {over: foreground}
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""


@pytest.fixture
def run(tmp_path):
    """What prepare leaves of five volumes with fields from none to strong."""
    rng = np.random.default_rng(0)
    rows, quality = [], {}
    ramp = np.linspace(-0.5, 0.5, 24)[:, None, None]
    for number in range(5):
        name = f"p{number}_1_T2"
        voxels = 300 * np.exp(ramp * number / 4) + rng.normal(scale=20, size=(24, 20, 8))
        voxels[:, :4] = 5
        volume = Volume(voxels.astype(np.float32), np.diag([2.0, 2, 4, 1]))
        _, preparation = prepare_volume(volume, [N4(shrink=2, iterations=[4])])
        folder = tmp_path / "prepare" / "fields"
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / f"{name}.npz", **slices_before(volume))
        write_json(tmp_path / "prepare" / "volumes" / f"{name}.json", {"preparation": preparation.as_dict()})
        rows.append({"patient": f"p{number}", "sequence": "T2", "name": name, **preparation.facts()})
        quality[name] = {"sequence": "T2", "fields": preparation.as_dict()["quality"]}
    write_csv(tmp_path / "prepare" / "volumes.csv", pd.DataFrame(rows))
    write_json(tmp_path / "prepare" / "quality.json", quality)
    return tmp_path


def facts_of(run, change=("", "")):
    return read_facts(parse_protocol(STUDY.replace(*change)), run)


def test_the_weakest_the_middle_and_the_strongest_field_are_shown(run):
    shown = montages(facts_of(run))
    volumes = pd.read_csv(run / "prepare" / "volumes.csv").sort_values("field_ratio")
    assert [item.which for item in shown] == ["weakest field", "median field", "strongest field"]
    assert [item.patient for item in shown] == volumes["patient"].iloc[[0, 2, 4]].tolist()
    assert all(item.source.startswith("data:image/webp;base64,") for item in shown)
    assert sum(len(item.source) for item in shown) < 60_000
    assert "before" in shown[0].caption


def test_a_volume_whose_files_are_gone_says_so_and_the_others_are_drawn(run):
    strongest = pd.read_csv(run / "prepare" / "volumes.csv").sort_values("field_ratio")["name"].iloc[-1]
    (run / "prepare" / "fields" / f"{strongest}.npz").unlink()
    shown = montages(facts_of(run))
    assert [bool(item.source) for item in shown] == [True, True, False]
    assert "cannot be drawn" in shown[-1].alt


def test_no_field_is_said_and_not_drawn(run, tmp_path_factory):
    with pytest.raises(AbsentError, match="not ask for quality-control images"):
        montages(facts_of(run, ("study: test", "study: test\nreport: {quality_pictures: false}")))
    for path in (run / "prepare" / "fields").iterdir():
        path.unlink()
    with pytest.raises(AbsentError, match="No bias field was removed"):
        montages(facts_of(run))
    write_json(run / "prepare" / "quality.json", {"p0_1_T2": {"sequence": "T2", "fields": []}})
    with pytest.raises(AbsentError, match="nothing to compare"):
        FIGURES["intensities"](facts_of(run))


def test_colours_run_around_the_fields_median():
    rows = np.linspace(-1, 1, 40)[:, None] * np.ones((1, 30))
    view = {"before": np.stack([rows] * 3), "after": np.stack([rows] * 3), "log_field": np.stack([rows + 0.7] * 3),
            "spacing_mm": np.array([1.0, 1.0])}  # fmt: skip
    pixels = np.asarray(draw(view)).astype(int)
    third = (pixels.shape[0] + 3) // 3
    field = pixels[third : 2 * third - 3, : pixels.shape[1] // 3 - 2]
    top, middle, bottom = field[2, 5], field[len(field) // 2, 5], field[-3, 5]
    assert top[2] > top[0] + 50  # blue: darkened
    assert bottom[0] > bottom[2] + 50  # red: brightened
    assert middle.min() > 230


def test_histograms_before_and_after(run):
    drawing = FIGURES["intensities"](facts_of(run))
    assert "T2" in drawing.alt
    (axes,) = drawing.figure.axes
    before, after = (line.get_ydata() for line in axes.lines)
    assert before.sum() == pytest.approx(1)
    assert (after**2).sum() > (before**2).sum()  # narrower


def test_transferred_masks_are_listed_with_the_readers_answer(run):
    facts = facts_of(run)
    with pytest.raises(AbsentError, match="has not finished"):
        TABLES["transferred_masks"](facts)
    row = {"patient": "007", "lesion": "1", "sequence": "DWI", "reader": "a", "from": "T2", "shift_r_mm": 3.0,
           "shift_a_mm": 0.0, "shift_s_mm": 4.0, "rotation_degrees": 1.25, "overlap": 0.8,
           "volume_change_percent": -2.0, "warnings": "", "file": "", "mask": "m1", "confirmed": "yes",
           "confirmed_by": "Dr B", "status": "confirmed"}  # fmt: skip
    write_csv(run / "extract" / "transferred.csv", pd.DataFrame([row]))
    table = TABLES["transferred_masks"](facts_of(run))
    assert [cell.text for cell in table.rows[0]] == ["007", "1", "DWI", "T2", "5.0", "1.2", "0.80", "−2.0",
                                                     "confirmed by Dr B"]  # fmt: skip
    assert any("echo-planar" in note for note in table.footnotes)
    with pytest.raises(AbsentError, match="transfers no mask"):
        TABLES["transferred_masks"](facts_of(run, ("  transfer: {from: T2, to: [DWI]}\n", "")))


def test_the_methods_say_what_the_volumes_history_tells(run):
    def said():
        return " ".join(paragraph.text for paragraph in methods(facts_of(run)))

    volume = Volume(np.random.default_rng(0).normal(300, 20, (24, 20, 8)).astype(np.float32), np.diag([2.0, 2, 4, 1]))
    mask = np.zeros(volume.voxels.shape, bool)
    mask[4:9, 4:9, 2:5] = True
    steps = parse_protocol(STUDY).prepare
    prepared, _ = prepare_volume(volume, list(steps), Roi(mask, volume.affine))
    write_csv(run / "prepare" / "volumes.csv", pd.DataFrame([{"patient": "p", "sequence": "T2",
                                                              "history": "; ".join(prepared.history)}]))  # fmt: skip
    text = said()
    assert "shrink factor 2" in text
    assert "a mask of the fat, drawn on every image, so that it became 800" in text
    assert "z-score normalisation over the foreground" in text
    assert "mask of T2 was transferred" not in text  # the study file asks for it, but no mask was transferred
    rows = [{"patient": f"p{i}", "lesion": "1", "sequence": "DWI", "from": "T2", "status": status}
            for i, status in enumerate(("confirmed", "not confirmed, accepted", "waiting"))]  # fmt: skip
    write_csv(run / "extract" / "transferred.csv", pd.DataFrame(rows))
    write_json(run / "extract" / "summary.json", {"features": 1, "explained": "one"})
    text = said()
    assert "2 masks of T2 were transferred to DWI, on which a had drawn none" in text
    assert "1 of them had not been confirmed by a reader" in text
    assert "were not used to assess the agreement between readers" in text
    write_csv(run / "prepare" / "volumes.csv", pd.DataFrame([{"patient": "p", "sequence": "T2", "history": "read x"}]))
    assert "Images were used as acquired" in said()
