"""One object, series or patient that the program cannot handle never ends the import of the others."""

import re

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian

from radstudy import Volume
from radstudy.intake import index, plan, run, thumbnails

TABLES = ("series.csv", "review.csv", "cohort.csv", "review.html")


def values(out, role):
    return Volume.read(next(out.rglob(f"{role}.nii.gz"))).voxels


def stored(scan):
    return np.stack([scan.pixels(scan.volumes[0], number).T for number in range(scan.slices)], axis=2)


def test_big_endian_files_give_the_same_voxels(synthetic, imported, roles, tmp_path):
    scan = synthetic.t2()
    for file in synthetic.write(tmp_path / "in", scan):
        dataset = synthetic.read(file)
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        pydicom.dcmwrite(file, dataset, little_endian=False, implicit_vr=False, force_encoding=True)
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    outcome = imported(tmp_path / "in")
    assert sorted(roles(outcome)) == ["DCE1", "DCE2", "DCE3", "T2WI"]
    np.testing.assert_array_equal(values(tmp_path / "out", "T2WI"), stored(scan))


def _without_meta(file):
    dataset = pydicom.dcmread(file)
    del dataset.file_meta
    pydicom.dcmwrite(file, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False)


def _data_set_alone(file):
    _without_meta(file)
    file.write_bytes(file.read_bytes()[132:])


def _without_preamble(file):
    file.write_bytes(file.read_bytes()[132:])


@pytest.mark.parametrize("strip", [_without_meta, _without_preamble, _data_set_alone])
def test_files_without_preamble_or_meta_information_are_read_whole(synthetic, imported, roles, tmp_path, strip):
    scan = synthetic.t2()
    for file in synthetic.write(tmp_path / "in", scan):
        strip(file)
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()
    assert list(roles(outcome)) == ["T2WI"]
    np.testing.assert_array_equal(values(tmp_path / "out", "T2WI"), stored(scan))


def test_a_cut_off_file_without_preamble_is_named(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2())
    for file in files:
        _without_preamble(file)
    files[3].write_bytes(files[3].read_bytes()[:-60])
    assert "1 file(s) are cut off (instance 4 lacks" in imported(tmp_path / "in", dry_run=True).failures[0]


class SurpriseError(Exception):
    """An error that nobody expected; its text quotes the patient."""


def failing(original, wrong):
    def call(*arguments, **keywords):
        if wrong(*arguments):
            raise SurpriseError("MUSTERMANN^ERIKA")
        return original(*arguments, **keywords)

    return call


FAILING = {
    "the header of one object": (index, "frames_of", lambda dataset, *_: str(dataset.SeriesNumber) == "3"),
    "sorting one series": (plan, "sort_series", lambda frames, **_: frames[0].facts.series_number == 3),
    "writing one volume": (run, "write_volume", lambda item, *_: item.decision.role == "T2WI"),
}


@pytest.mark.parametrize("where", FAILING)
def test_a_fault_in_one_series_leaves_the_others_and_all_tables(synthetic, imported, tmp_path, monkeypatch, where):
    module, name, wrong = FAILING[where]
    monkeypatch.setattr(module, name, failing(getattr(module, name), wrong))
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(3))
    synthetic.write(tmp_path / "in", synthetic.t2(patient="OTHER", name="DOE^JANE", number=9))
    outcome = imported(tmp_path / "in")
    assert any("SurpriseError" in text and "series 3" in text for text in outcome.failures), outcome.failures
    assert not any("MUSTERMANN" in text for text in outcome.failures)
    pseudonym = next(p.name for p in outcome.plans if p.patient.identifier[0] == "HOSP-4711")
    assert any(text.startswith(f"Patient {pseudonym}") for text in outcome.failures)
    assert len(list((tmp_path / "out").rglob("DCE*.nii.gz"))) == 3
    assert all((tmp_path / "out" / table).is_file() for table in TABLES)
    log = (tmp_path / "out" / "run.log").read_text()
    (identifier,) = {word for text in outcome.failures for word in re.findall(r"bug-[0-9a-f]{4}", text)}
    assert f"({identifier}) (import)" in log and "in call\n" in log and "SurpriseError" in log
    assert any(identifier in line and "run.log" in line for line in imported.said)
    assert not any(word in log for word in ("MUSTERMANN", "HOSP-4711", str(tmp_path)))


def test_a_fault_in_one_patient_leaves_the_others(synthetic, imported, tmp_path, monkeypatch):
    def wrong(patient, *_):
        return patient.identifier[0] == "HOSP-4711"

    monkeypatch.setattr(run, "plan_patient", failing(run.plan_patient, wrong))
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(patient="OTHER", name="DOE^JANE", number=9))
    outcome = imported(tmp_path / "in")
    assert "SurpriseError" in outcome.failures[0]
    assert len(list((tmp_path / "out").glob("*/T2WI.nii.gz"))) == 1
    assert "SurpriseError" in (tmp_path / "out" / "series.csv").read_text("utf-8")


@pytest.mark.parametrize(("module", "name"), [(run, "write_masks"), (thumbnails, "_png")])
def test_masks_and_pictures_cost_no_table(synthetic, imported, tmp_path, monkeypatch, module, name):
    monkeypatch.setattr(module, name, failing(getattr(module, name), lambda *_: True))
    burned = {**synthetic.T2, "SeriesDescription": "T2 REPEAT"}
    synthetic.write(tmp_path / "in", synthetic.t2(tags=burned), synthetic.dynamic(3))
    imported(tmp_path / "in")
    assert all((tmp_path / "out" / table).is_file() for table in TABLES)


def test_a_file_that_vanishes_between_the_passes_costs_its_volume_only(synthetic, imported, tmp_path, monkeypatch):
    files = synthetic.write(tmp_path / "in", synthetic.t2())
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    save = run.private_folder

    def gone(path, *more):
        files[2].unlink()
        save(path, *more)

    monkeypatch.setattr(run, "private_folder", gone)
    outcome = imported(tmp_path / "in")
    assert "instance 3 cannot be read (FileNotFoundError)" in outcome.failures[0]
    assert len(list((tmp_path / "out").rglob("DCE*.nii.gz"))) == 3


def test_the_command_ends_with_4_and_its_tables(synthetic, tmp_path, monkeypatch, capsys):
    from radstudy.cli import main

    monkeypatch.setattr(run, "write_volume", failing(run.write_volume, FAILING["writing one volume"][2]))
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(3))
    monkeypatch.setattr("sys.argv", ["radstudy", "import", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 4
    assert "T2WI (series 3): the program cannot handle it (SurpriseError" in capsys.readouterr().err
    assert (tmp_path / "out" / "series.csv").is_file()
