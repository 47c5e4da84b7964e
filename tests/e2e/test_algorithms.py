"""What every algorithm computes under its version: results that change without a new version would leave stale ones."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compat.fingerprints import as_csv, from_csv, of_arrays, of_run, of_table, same
from radstudy.algorithms import VERSIONS, algorithm_key
from radstudy.derive.run import derive
from radstudy.imaging.volume import Volume
from radstudy.intake.run import Options, run_import
from radstudy.intake.sources import open_source
from radstudy.protocol.load import parse_protocol
from radstudy.study import run
from radstudy.validation import validate
from unit.derive.test_derive import RECIPE, write_patient
from unit.external_cohorts import write_cohort, write_model
from unit.intake import synthetic
from unit.steps.test_harmonisation import STUDY as SITES
from unit.steps.test_harmonisation import write_tables

KNOWN = Path(__file__).parents[1] / "compat" / "algorithms.csv"
NOT_HELD = {
    "refits",
    "report",
}  # held as evaluate/chance and evaluate/resampling; a report is made again by any version
MORE = """
extract:
  maps: {features: [original_firstorder_Mean, original_glcm_Contrast], patients: [PATIENT]}
"""
SHUFFLED = "evaluate:\n  baselines: {shuffled: true}\n"


@pytest.fixture(scope="module")
def results(demo, command, tmp_path_factory):
    """The fingerprints of the demo, of its maps and shuffled images, of an import and of derived maps."""
    more = _with_maps_and_shuffled(demo, tmp_path_factory.mktemp("more") / "copy", command)
    rows = of_run(demo) + [row for row in of_run(more) if row.algorithm in ("extract/maps", "extract/shuffled")]
    rows += [*_imported(tmp_path_factory.mktemp("import")), *_derived(tmp_path_factory.mktemp("derive"))]
    return [*rows, *_harmonised(tmp_path_factory.mktemp("sites")), *_validated(tmp_path_factory.mktemp("elsewhere"))]


def _with_maps_and_shuffled(demo, copy, command):
    shutil.copytree(demo, copy)
    study = copy / "data" / "study.yaml"
    text = study.read_text(encoding="utf-8")
    patient = pd.read_csv(copy / "cohort" / "rows.csv")["patient"][0]
    assert text.count("\nevaluate:\n") == 1
    study.write_text(text.replace("evaluate:\n", SHUFFLED) + MORE.replace("PATIENT", patient), encoding="utf-8")
    command("run", study, "--data", copy / "data", "--out", copy, "--step", "extract", check=0)
    return copy


def _imported(folder):
    synthetic.write(folder / "in", synthetic.t2(), synthetic.dynamic())
    options = Options(out=folder / "out", private=folder / "private")
    run_import(open_source(str(folder / "in")), options, say=lambda _: None)
    yield from _volumes("import", folder / "out")
    table = pd.read_csv(folder / "out" / "cohort.csv").drop(columns="patient_id")  # a random pseudonym
    yield from of_table("import", "cohort.csv", table)


def _derived(folder):
    data = folder / "data"
    data.mkdir()
    write_patient(data / "A", "A", [(0.8, 1.2), (1.2, 0.7)])
    rows = {"id": ["A", "A"], "lesion": ["1", "2"], "mask": ["A/mask.seg.nrrd"] * 2, "b800": ["A/b800.nii.gz"] * 2}
    pd.DataFrame({**rows, "late_s": ["400"] * 2}).to_csv(data / "cohort.csv", index=False)
    (data / "derive.yaml").write_text(RECIPE.replace("MOTION", "false"), encoding="utf-8")
    table, lost = derive(data / "cohort.csv", data / "derive.yaml", folder / "out", jobs=1, say=lambda _: None)
    assert lost == 0
    yield from _volumes("derive", folder / "out")
    yield from of_table("derive", "derived.csv", pd.read_csv(table))


def _harmonised(folder):
    write_tables(folder)
    run(parse_protocol(SITES), data=folder, out=folder / "out", until="evaluate", jobs=1)
    yield from (row for row in of_run(folder / "out") if row.algorithm == "evaluate/harmonisation")


def _validated(folder):
    _, file = write_cohort(folder, rows=80)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("radstudy.validation.do_validation_report", lambda run: None)
        validate(write_model(folder), file, out=folder / "out", jobs=1)
    yield from (row for row in of_run(folder / "out") if row.algorithm == "validate")


def _volumes(algorithm, folder):
    for file in sorted(folder.rglob("*.nii.gz")):
        volume = Volume.read(file) if "mask" not in file.name else None
        if volume is not None:
            yield of_arrays(algorithm, file.name, {"voxels": volume.voxels, "affine": np.asarray(volume.affine)})


def test_results_change_only_with_the_version_of_their_algorithm(results, tmp_path):
    """Where they are meant to change: raise the version in radstudy/algorithms.py, and keep `seen` as KNOWN."""
    seen_file = tmp_path / "algorithms.csv"
    seen_file.write_text(as_csv(results), encoding="utf-8")
    known = {row.place: row for row in from_csv(KNOWN.read_text(encoding="utf-8"))}
    seen = {row.place: row for row in results}
    changed = [
        f"{row.algorithm} {row.version}: {row.file} {row.column}"
        for place, row in (known | seen).items()
        if place not in known or place not in seen or not same(known[place], seen[place])
    ]
    assert not changed, f"{changed}: raise the version of what has changed in VERSIONS, and record {seen_file}"


def test_every_algorithm_is_held(results):
    assert {row.algorithm for row in results} >= VERSIONS.keys() - NOT_HELD


def test_a_key_names_the_algorithm_and_what_it_uses():
    assert algorithm_key("extract/maps") == "extract/maps 2, extract 1, prepare 1"
