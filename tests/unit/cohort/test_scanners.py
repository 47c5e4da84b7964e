"""Sites that are scanners: read from the JSON of the import beside each image, and never guessed."""

import json

import pytest

from radstudy.cohort.manifest import read_cohort
from radstudy.cohort.scanners import nominal_t
from radstudy.errors import CohortError, StudyFileError
from radstudy.protocol.load import parse_protocol

STUDY = """
study: test
cohort:
  patient: id
  site: {scanner: }
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a]
sequences: [T2, DWI]
model: {select: [], models: {T2: [T2]}}
"""
SKYRA, GE = ("SIEMENS", "Skyra", 2.8936), ("GE MEDICAL SYSTEMS", "SIGNA", 1.5)
PATIENTS = {"p1": SKYRA, "p2": ("Siemens", " skyra ", 3), "p3": ("SIEMENS", "Skyra", 3.0), "p4": GE}


def write_sidecar(image, scanner, made_by="radstudy import 1"):
    tags = dict(zip(("Manufacturer", "ManufacturerModelName", "MagneticFieldStrength_T"), scanner, strict=True))
    content = {"made_by": made_by, "tags": tags}
    image.with_name(image.name.replace(".nii.gz", ".json")).write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    rows = [f"{name},{number % 2},{'train' if number < 2 else 'test'}" for number, name in enumerate(PATIENTS)]
    (tmp_path / "cohort.csv").write_text("\n".join(["id,y,set", *rows]) + "\n", encoding="utf-8")
    for name, scanner in PATIENTS.items():
        (tmp_path / name).mkdir()
        for sequence in ("T2", "DWI"):
            (tmp_path / name / f"{sequence}.nii.gz").write_bytes(b"x")
            (tmp_path / name / f"{sequence}_a.nii.gz").write_bytes(b"x")
            write_sidecar(tmp_path / name / f"{sequence}.nii.gz", scanner)
    return tmp_path


def read(folder, site="{scanner: }"):
    return read_cohort(parse_protocol(STUDY.replace("{scanner: }", site)), folder)


def problems(folder, site="{scanner: }"):
    with pytest.raises(CohortError) as error:
        read(folder, site)
    return error.value.problems


def test_spellings_and_strengths_of_one_scanner_are_one_site(folder):
    cohort = read(folder)
    assert cohort.rows["scan_site"].tolist() == ["SIEMENS Skyra 3 T"] * 3 + ["GE MEDICAL SYSTEMS SIGNA 1.5 T"]
    assert cohort.notes[0] == (
        "Sites are scanners by manufacturer, model and field strength, as the import recorded them: GE MEDICAL SYSTEMS "
        "SIGNA 1.5 T (1 patient); SIEMENS Skyra 3 T (3 patients)."
    )


def test_the_fields_that_tell_scanners_apart_are_chosen(folder):
    assert read(folder, "{scanner: [field_strength_t]}").rows["scan_site"].tolist() == ["3 T"] * 3 + ["1.5 T"]
    assert read(folder, "{}").rows["scan_site"].tolist() == read(folder).rows["scan_site"].tolist()


def test_two_scanners_of_one_patient_are_named_and_one_sequence_settles_it(folder):
    write_sidecar(folder / "p2" / "DWI.nii.gz", GE)
    (said,) = problems(folder)
    assert said.startswith("Patient p2: the images name 2 scanners: 'Siemens skyra 3 T' (T2, file ")
    assert "'GE MEDICAL SYSTEMS SIGNA 1.5 T' (DWI, file " in said and str(folder / "p2" / "DWI.json") in said
    assert "cohort.site: {scanner: [manufacturer, model, field_strength_t], sequence: T2}" in said
    assert "cohort.site: COLUMN" in said
    assert read(folder, "{scanner: [model], sequence: T2}").rows["scan_site"].tolist()[1] == "Skyra"
    assert read(folder, "{scanner: [model], sequence: DWI}").rows["scan_site"].tolist()[1] == "SIGNA"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.unlink(), "the JSON of the import beside the image does not exist"),
        (lambda file: file.write_text("{", encoding="utf-8"), "was not written by 'radstudy import', or cannot be"),
        (lambda file: write_sidecar(file, SKYRA, "dcm2niix"), "was not written by 'radstudy import', or cannot be"),
        (lambda file: write_sidecar(file, ("", "Skyra", 3)), "recorded no usable manufacturer (Manufacturer: empty)"),
        (lambda file: write_sidecar(file, ("S", None, 3)), "no usable model (ManufacturerModelName: empty)"),
        (lambda file: write_sidecar(file, ("S", "X", None)), "no usable field strength (MagneticFieldStrength: empty)"),
        (lambda file: write_sidecar(file, ("S", "X", 15000)), "field strength (MagneticFieldStrength: 15000)"),
    ],
)
def test_a_scanner_that_is_not_known_is_an_error(folder, change, says):
    change(folder / "p3" / "DWI.json")
    (said,) = problems(folder)
    assert said.startswith(f"Patient p3, DWI, file {folder / 'p3' / 'DWI.json'}: the site is the scanner")
    assert says in said and "cohort.site: COLUMN" in said and "sequence: NAME" in said
    assert len(read(folder, "{scanner: , sequence: T2}").rows) == 4


def test_an_empty_field_may_be_left_out(folder):
    write_sidecar(folder / "p3" / "DWI.nii.gz", ("", "Skyra", 3))
    assert "leave manufacturer out of it (scanner: [model, field_strength_t])" in problems(folder)[0]
    assert read(folder, "{scanner: [model, field_strength_t]}").rows["scan_site"].tolist()[2] == "Skyra 3 T"


def test_a_patient_without_the_named_sequence_is_an_error_and_one_without_images_a_failure(folder):
    (folder / "p1" / "T2.nii.gz").unlink()
    assert (
        "Patient p1, T2: the site is the scanner of this sequence" in problems(folder, "{scanner: , sequence: T2}")[0]
    )
    assert read(folder).rows["scan_site"].iloc[0] == "SIEMENS Skyra 3 T"
    (folder / "p1" / "DWI.nii.gz").unlink()
    cohort = read(folder)
    assert cohort.rows["scan_site"].iloc[0] == "" and {case.patient for case in cohort.failures} == {"p1"}


def test_an_excluded_patient_needs_no_scanner(folder):
    (folder / "p5").mkdir()
    (folder / "p5" / "T2.nii.gz").write_bytes(b"x")
    lines = (folder / "cohort.csv").read_text(encoding="utf-8").splitlines()
    rows = [lines[0] + ",why", *(f"{line}," for line in lines[1:]), "p5,0,test,moved"]
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    text = STUDY.replace("  patient: id\n", "  patient: id\n  exclude: why\n")
    assert len(read_cohort(parse_protocol(text), folder).rows) == 4
    with pytest.raises(CohortError, match=r"Patient p5, T2, file .*does not exist"):
        read_cohort(parse_protocol(STUDY), folder)


def test_the_field_strength_is_the_nominal_one():
    assert [nominal_t(value) for value in (1.494, 1.5, 2.89, 3.0, 0.55, 6.98, 1.1)] == [1.5, 1.5, 3, 3, 0.55, 7, 1.1]


@pytest.mark.parametrize(
    ("site", "says"),
    [
        ("{scanner: [station]}", "line 5, cohort.site.scanner.0: this should be 'manufacturer'"),
        ("{scanner: []}", "name manufacturer, model, field_strength_t or some of them, each once"),
        ("{scanner: [model, model]}", "each once"),
        ("{scaner: [model]}", "did you mean 'scanner'?"),
        ("{scanner: , sequence: DW}", "cohort.site: sequence 'DW' does not exist; did you mean 'DWI'?"),
        ("[model]", "this is one word or text"),
    ],
)
def test_mistakes_in_the_setting(site, says):
    with pytest.raises(StudyFileError) as error:
        parse_protocol(STUDY.replace("{scanner: }", site))
    assert says in str(error.value)


def test_a_table_of_features_has_no_scanner():
    text = STUDY.replace("[T2, DWI]", "[T2]").replace("  readers: [a]\n", "")
    with pytest.raises(StudyFileError, match="has no images whose scanner an import recorded"):
        parse_protocol(text + "features: {table: f.csv, patient: id}\n")


def test_a_column_named_scanner_is_a_column():
    section = parse_protocol(STUDY.replace("{scanner: }", "scanner")).cohort
    assert (section.site_column, section.scanner_site) == ("scanner", None)
    assert section.model_dump(mode="json")["site"] == "scanner"
    settings = parse_protocol(STUDY).cohort.model_dump(mode="json")
    assert settings["site"] == {"scanner": ["manufacturer", "model", "field_strength_t"], "sequence": None}
