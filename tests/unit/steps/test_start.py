"""`radstudy init DIR --from IMPORT`: the study.yaml fits the import, and no PatientID leaves the private folder."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import load_protocol

PATIENTS = {f"P{letter}00": f"00{number}4711" for number, letter in enumerate("ABCDEFGH")}
READERS = {"Li": "Tumor_Li", "Wu": "Tumor_Wu"}


@pytest.fixture
def made(tmp_path):
    """An import as its tables and files describe it: roles, two readers; one patient lacks DWI."""

    def make(roles=("T2WI", "DWI_b800", "DCE1", "DCE2", "DCE3", "DCE4"), readers=READERS, column=True):
        out, private = tmp_path / "images", tmp_path / "images.private"
        rng, series, masks = np.random.default_rng(1), [], []
        for number, patient in enumerate(PATIENTS):
            for role in roles:
                if role == "DWI_b800" and patient == "PH00":
                    continue
                image = rng.integers(0, 400, (16, 16, 8)).astype(np.int16)
                write_raster(out / patient / f"{role}.nii.gz", image, np.eye(4))
                series.append((patient, "role", role, f"{patient}/{role}.nii.gz"))
                for step, (reader, text) in enumerate(readers.items()):
                    drawn = np.zeros(image.shape, np.uint8)
                    drawn[3 : 9 + step, 4 : 8 + number % 3, 2:6] = 1
                    file = f"{patient}/masks/{role}_{text}.nii.gz"
                    write_raster(out / file, drawn, np.eye(4))
                    masks.append((patient, role, "Tumor", reader if column else "", file))
        pd.DataFrame(series, columns=["patient", "status", "role", "file"]).to_csv(out / "series.csv", index=False)
        frame = pd.DataFrame(masks, columns=["patient", "role", "name", "reader", "file"])
        (frame if column else frame.drop(columns="reader")).to_csv(out / "masks.csv", index=False)
        empty = {"lesion": "1", "side": "", "exclusion": "", "fish": ""}
        pd.DataFrame([{"patient_id": name, **empty} for name in PATIENTS]).to_csv(out / "cohort.csv", index=False)
        private.mkdir()
        key = pd.DataFrame([(name, told, "") for name, told in PATIENTS.items()],
                           columns=["pseudonym", "patient_id", "issuer"])  # fmt: skip
        key.to_csv(private / "pseudonyms.csv", index=False)
        return out

    return make


def outcomes(tmp_path, rows=None):
    """A hospital's table: PatientIDs, names, outcomes, ages."""
    rows = rows or [(told, f"Name{told}", "pos" if number % 2 else "neg", 40 + number)
                    for number, told in enumerate(PATIENTS.values())]  # fmt: skip
    pd.DataFrame(rows, columns=["PatientID", "Name", "FISH", "age"]).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def command(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)


def test_the_study_fits_the_import_and_passes_the_step_cohort(made, tmp_path):
    source = made()
    before = (source / "cohort.csv").read_bytes()
    result = command("init", tmp_path / "mine", "--from", source, "--outcomes", outcomes(tmp_path), "--clinical", "age")
    assert result.exit_code == 0, result.output
    study = tmp_path / "mine" / "study.yaml"
    protocol = load_protocol(study)
    assert protocol.sequences == ("DCE3", "DCE4", "DWI_b800", "T2WI")
    assert protocol.cohort.readers == ("Li", "Wu")
    assert protocol.cohort.optional_sequences == ("DWI_b800",)
    assert protocol.cohort.outcome.positive == "pos"
    assert protocol.agree.icc is not None
    assert set(protocol.cohort.clinical) == {"age"}
    text = study.read_text(encoding="utf-8")
    assert "The preset's eleven models need T2WI, DWI, DCE3, DCE7" in text
    assert "DCE1 (8 patients)" in text
    assert (source / "cohort.csv").read_bytes() == before
    table = pd.read_csv(tmp_path / "mine" / "cohort_with_outcomes.csv", dtype=str)
    assert table["FISH"].tolist() == ["neg", "pos"] * 4
    assert command("run", study, "--step", "cohort").exit_code == 0


def test_no_patientid_leaves_the_private_folder(made, tmp_path):
    source = made()
    assert command("init", tmp_path / "mine", "--from", source, "--outcomes", outcomes(tmp_path)).exit_code == 0
    for file in (tmp_path / "mine").rglob("*"):
        assert not any(told in file.read_text(encoding="utf-8") for told in PATIENTS.values())
        assert "Name" not in file.read_text(encoding="utf-8")
    table = outcomes(tmp_path)
    frame = pd.read_csv(table, dtype=str)
    frame.assign(Code=frame["PatientID"]).to_csv(table, index=False)
    refused = command("init", tmp_path / "other", "--from", source, "--outcomes", table, "--outcome", "FISH",
                      "--clinical", "Code")  # fmt: skip
    assert "repeats the PatientID" in str(refused.exception)
    assert not (tmp_path / "other" / "study.yaml").exists()


@pytest.mark.parametrize("more", [[], ["--positive", "Name0004711"]])
def test_a_column_of_names_is_no_outcome_and_is_not_printed(made, tmp_path, more):
    table = outcomes(tmp_path)
    refused = command("init", tmp_path / "mine", "--from", made(), "--outcomes", table, "--outcome", "Name", *more)
    said = refused.output + str(refused.exception)
    assert "'Name' has 8 different values" in said and "Name0" not in said
    assert not list((tmp_path / "mine").rglob("*.*"))


def test_rows_without_a_partner_are_named_on_either_side(made, tmp_path):
    source = made()
    told = list(PATIENTS.values())
    rows = [
        (told[0].lstrip("0"), "a", "neg", 1),
        ("9999", "b", "pos", 2),
        (told[2], "c", "neg", 3),
        (told[3], "d", "pos", 4),
    ]
    said = command(
        "init", tmp_path / "mine", "--from", source, "--outcomes", outcomes(tmp_path, rows), "--outcome", "FISH"
    )
    assert said.exit_code == 0, said.output
    assert "1 row(s) of table.csv differ from an imported PatientID only in leading zeros" in said.output
    assert "match no imported patient: line(s) 3" in said.output
    assert "PA00, PB00, PE00" in said.output
    assert "9999" not in said.output and told[0] not in said.output


def test_a_patient_with_two_different_outcomes_is_refused(made, tmp_path):
    source = made()
    told = list(PATIENTS.values())
    rows = [(told[0], "a", "neg", 1), (told[0], "a", "pos", 1), (told[1], "b", "pos", 1)]
    refused = command(
        "init", tmp_path / "mine", "--from", source, "--outcomes", outcomes(tmp_path, rows), "--outcome", "FISH"
    )
    assert "lines 2, 3: the same patient (PA00) with different values" in str(refused.exception)


def test_without_outcomes_the_imports_own_table_is_the_one_to_fill(made, tmp_path):
    source = made(("T2WI", "DWI", "DCE3", "DCE7"), {"": "Tumor"}, column=False)
    result = command("init", tmp_path / "mine", "--from", source)
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in (tmp_path / "mine").iterdir()) == ["study.yaml"]
    protocol = load_protocol(tmp_path / "mine" / "study.yaml")
    assert protocol.cohort.table == "../images/cohort.csv"
    assert protocol.cohort.readers == ("reader1",) and protocol.agree.icc is None
    table = pd.read_csv(source / "cohort.csv", dtype=str)
    table["fish"] = ["negative", "positive"] * 4
    table.to_csv(source / "cohort.csv", index=False)
    ran = command("run", tmp_path / "mine" / "study.yaml", "--step", "cohort")
    assert "1 case(s)" in str(ran.exception) or ran.exit_code == 0, ran.output


def test_nothing_is_overwritten_and_a_folder_that_is_no_import_is_refused(made, tmp_path):
    source = made()
    assert command("init", tmp_path / "mine", "--from", source).exit_code == 0
    again = command("init", tmp_path / "mine", "--from", source)
    assert "already exists" in str(again.exception)
    assert "was not written by 'radstudy import'" in str(command("init", tmp_path / "x", "--from", tmp_path).exception)


def test_a_start_that_was_ended_between_its_files_goes_on_unless_the_table_is_another(made, tmp_path):
    source, folder = made(), tmp_path / "mine"
    given = ("init", folder, "--from", source, "--outcomes", outcomes(tmp_path))
    assert command(*given).exit_code == 0
    whole = (folder / "study.yaml").read_bytes()
    (folder / "study.yaml").unlink()
    assert command(*given).exit_code == 0
    assert (folder / "study.yaml").read_bytes() == whole
    (folder / "study.yaml").unlink()
    table = next(folder.glob("*.csv"))
    table.write_bytes(table.read_bytes() + b"P9,2\n")
    assert "already exists" in str(command(*given).exception)
    assert table.read_bytes().endswith(b"P9,2\n") and not (folder / "study.yaml").exists()


def test_masks_without_a_reader_beside_those_of_known_readers_are_said(made, tmp_path):
    source = made()
    table = pd.read_csv(source / "masks.csv", dtype=str)
    table.loc[(table["patient"] == "PA00") & (table["reader"] == "Wu"), "reader"] = None
    table.to_csv(source / "masks.csv", index=False)
    said = command("init", tmp_path / "mine", "--from", source).output
    assert "4 mask(s) without a known reader are not taken: import again with --readers" in said
    assert load_protocol(tmp_path / "mine" / "study.yaml").cohort.readers == ("Li", "Wu")
