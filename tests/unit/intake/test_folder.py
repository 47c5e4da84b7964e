"""A folder comes in: every slice once, in order, under its role, with nothing of the patient's identity."""

import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy import Volume
from radstudy.errors import DataError, UsageError


def volume(outcome, out, role):
    return Volume.read(out / outcome.plans[0].name / f"{role}.nii.gz")


def expected(scan, value):
    """(I, J, K) of a synthetic volume, slices along the normal."""
    ramp = 10 * (np.arange(scan.size[0])[None, :] * 7 + np.arange(scan.size[1])[:, None] * 3)
    return value + ramp[:, :, None] + np.arange(scan.slices)[None, None, :]


@pytest.mark.parametrize("plane", ["AXIAL", "SAGITTAL", "OBLIQUE"])
def test_slices_are_sorted_along_their_normal_and_lie_where_the_header_says(synthetic, imported, tmp_path, plane):
    scan = synthetic.t2(orientation=getattr(synthetic, plane))
    synthetic.write(tmp_path / "in", scan)
    outcome = imported(tmp_path / "in")
    found = volume(outcome, tmp_path / "out", "T2WI")
    np.testing.assert_array_equal(found.voxels, expected(scan, 100))
    assert found.stored_dtype == np.int16
    row, column = np.asarray(scan.orientation[:3]), np.asarray(scan.orientation[3:])
    for i, j, k in [(0, 0, 0), (9, 0, 0), (0, 7, 0), (0, 0, 5), (4, 3, 2)]:
        lps = scan.position(k) + i * scan.spacing[1] * row + j * scan.spacing[0] * column
        ras = (found.affine @ [i, j, k, 1])[:3]
        np.testing.assert_allclose(ras, lps * [-1, -1, 1], atol=1e-4)


def test_phases_in_one_series_become_dce_in_time_order(synthetic, imported, roles, tmp_path):
    scan = synthetic.dynamic(4)
    synthetic.write(tmp_path / "in", scan)
    outcome = imported(tmp_path / "in")
    found = roles(outcome)
    assert list(found) == ["DCE1", "DCE2", "DCE3", "DCE4"]
    assert [item.decision.seconds for item in found.values()] == [0, 90, 180, 270]
    for number in range(1, 5):
        got = volume(outcome, tmp_path / "out", f"DCE{number}").voxels
        np.testing.assert_array_equal(got, expected(scan, 1000 * number))


def test_slope_and_intercept_are_applied_to_each_slice(synthetic, imported, tmp_path):
    scan = synthetic.t2(tags={**synthetic.T2, "RescaleSlope": 0.5, "RescaleIntercept": -20})
    synthetic.write(tmp_path / "in", scan)
    found = volume(imported(tmp_path / "in"), tmp_path / "out", "T2WI")
    np.testing.assert_allclose(found.voxels, expected(scan, 100) * 0.5 - 20)
    assert found.stored_dtype == np.float32


@pytest.mark.parametrize("how", ["zip", "dicomdir"])
def test_zip_and_dicomdir_give_the_same_bytes_as_the_folder(synthetic, imported, tmp_path, how):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(3))
    first = imported(tmp_path / "in")
    if how == "zip":
        source = tmp_path / "cd.zip"
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (tmp_path / "in").iterdir():
                archive.write(file, f"DICOM/{file.name}")
    else:
        source = synthetic.dicomdir(list((tmp_path / "in").iterdir()), tmp_path / "cd")
    second = imported(source, out=tmp_path / "again", pseudonyms=tmp_path / "out.private" / "pseudonyms.csv")
    name = first.plans[0].name
    assert second.plans[0].name == name
    for role in ("T2WI", "DCE1", "DCE2", "DCE3"):
        one, other = (tmp_path / out / name / f"{role}.nii.gz" for out in ("out", "again"))
        assert one.read_bytes() == other.read_bytes()


def test_the_order_in_which_files_are_met_changes_nothing(synthetic, imported, tmp_path):
    """A PACS lists series and images in an order of its own, and not always in the same one."""
    twins = [synthetic.Scan({**synthetic.T2, "SeriesDescription": "localiser"}, uid=uid, number=7) for uid in "abc"]
    files = synthetic.write(
        tmp_path / "in", synthetic.t2(), *twins, synthetic.dynamic(3), synthetic.Scan(synthetic.GRE)
    )
    imported(tmp_path / "in")
    expected = {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    rng = np.random.default_rng(5)
    for attempt in range(3):
        folder = tmp_path / f"in{attempt}"
        folder.mkdir()
        for place, file in zip(rng.permutation(len(files)), files, strict=True):
            (folder / f"{place:04d}").write_bytes(file.read_bytes())
        out = tmp_path / f"out{attempt}"
        imported(folder, out=out, pseudonyms=tmp_path / "out.private" / "pseudonyms.csv")
        assert {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} == expected


def test_a_dicomdir_whose_files_are_gone_says_how_many(synthetic, imported, tmp_path):
    synthetic.dicomdir(synthetic.write(tmp_path / "in", synthetic.t2()), tmp_path / "cd")
    gone = sorted(path for path in (tmp_path / "cd").rglob("*") if path.is_file() and path.name != "DICOMDIR")[2]
    gone.unlink()
    outcome = imported(tmp_path / "cd" / "DICOMDIR")
    assert any("1 of them are missing" in failure for failure in outcome.failures)


def test_nothing_that_identifies_the_patient_leaves_the_private_folder(synthetic, imported, tmp_path):
    named = {**synthetic.T2, "SeriesDescription": "T2 ax Mustermann 04.07.1956", "ProtocolName": "HOSP-4711 t2"}
    unknown = {**synthetic.GRE, "SeriesDescription": "something for Erika"}
    folder = tmp_path / "MUSTERMANN ERIKA"
    synthetic.write(folder, synthetic.t2(tags=named), synthetic.Scan(unknown, number=9))
    outcome = imported(folder)
    year = r"(?<![0-9a-f])1956(?![0-9a-f])"  # not within a pseudonym or a hash
    secrets = ["mustermann", "erika", "hosp-4711", year, "19560704", "house", "acc-990017", r"1\.2\.826", "20240305"]
    texts = [p.read_text("utf-8") for p in (tmp_path / "out").rglob("*") if p.suffix in (".csv", ".json", ".html")]
    texts += [p.name for p in (tmp_path / "out").rglob("*")] + imported.said + list(outcome.failures)
    assert len(texts) > 8
    for secret in secrets:
        assert not any(re.search(secret, text.lower()) for text in texts), secret
    table = pd.read_csv(tmp_path / "out.private" / "pseudonyms.csv")
    assert table["patient_id"].tolist() == ["HOSP-4711"]
    assert (tmp_path / "out.private" / "pseudonyms.csv.key").stat().st_mode & 0o077 == 0


def test_pseudonyms_are_the_same_in_the_next_import_and_others_with_another_key(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    first = imported(tmp_path / "in").plans[0].name
    assert imported(tmp_path / "in").plans[0].name == first
    other = imported(tmp_path / "in", out=tmp_path / "b", private=tmp_path / "b.private").plans[0].name
    assert other != first


def test_a_dry_run_writes_nothing(synthetic, imported, roles, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    before = sorted(tmp_path.rglob("*"))
    outcome = imported(tmp_path / "in", dry_run=True)
    assert list(roles(outcome)) == ["T2WI"]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_second_import_writes_nothing_again_and_a_damaged_volume_is_made_again(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(3))
    outcome = imported(tmp_path / "in")
    assert (outcome.written, outcome.kept) == (4, 0)
    assert (imported(tmp_path / "in").written, imported(tmp_path / "in").kept) == (0, 4)
    file = tmp_path / "out" / outcome.plans[0].name / "T2WI.nii.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[:200])
    assert imported(tmp_path / "in").written == 1
    assert file.read_bytes() == whole


def test_a_reader_settles_the_review_table(synthetic, imported, roles, tmp_path):
    twin = synthetic.t2(number=4, uid="twin")
    synthetic.write(tmp_path / "in", synthetic.t2(), twin)
    outcome = imported(tmp_path / "in")
    assert list(roles(outcome)) == ["review 3", "review 4"]
    patient = tmp_path / "out" / outcome.plans[0].name
    assert (patient / "unsure" / "1.nii.gz").is_file()
    assert (patient / "unsure" / "2.nii.gz").is_file()
    review = pd.read_csv(tmp_path / "out" / "review.csv", dtype=str, keep_default_na=False)
    assert review["reason"].str.contains("2 volumes fit T2WI").all()
    review["role"] = ["T2WI", "-"]
    review.to_csv(tmp_path / "out" / "review.csv", index=False)
    outcome = imported(tmp_path / "in")
    assert list(roles(outcome)) == ["T2WI", "left out 4"]
    assert (patient / "T2WI.nii.gz").is_file()
    assert not list((patient / "unsure").glob("*"))
    assert list(roles(imported(tmp_path / "in"))) == ["T2WI", "left out 4"]  # the answers stay


def test_a_role_that_cannot_be_a_file_name_is_refused(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.t2(number=4, uid="twin"))
    imported(tmp_path / "in")
    review = pd.read_csv(tmp_path / "out" / "review.csv", dtype=str, keep_default_na=False)
    review["role"] = ["../../T2WI", ""]
    review.to_csv(tmp_path / "out" / "review.csv", index=False)
    with pytest.raises(UsageError, match="letters, digits"):
        imported(tmp_path / "in")


def test_the_cohort_table_keeps_what_was_filled_in(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    imported(tmp_path / "in")
    table = pd.read_csv(tmp_path / "out" / "cohort.csv", dtype=str)
    assert table["sequences"].tolist() == ["T2WI"]
    table["fish"] = "positive"
    table.to_csv(tmp_path / "out" / "cohort.csv", index=False)
    synthetic.write(tmp_path / "in", synthetic.dynamic(3), synthetic.t2(patient="HOSP-2", name="DOE^JANE"))
    imported(tmp_path / "in")
    table = pd.read_csv(tmp_path / "out" / "cohort.csv", dtype=str)
    assert len(table) == 2
    assert sorted(table["sequences"]) == ["T2WI", "T2WI;DCE1;DCE2;DCE3"]
    assert table["fish"].dropna().tolist() == ["positive"]


def test_a_sidecar_holds_the_tags_that_matter(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    outcome = imported(tmp_path / "in")
    made = json.loads((tmp_path / "out" / outcome.plans[0].name / "DCE2.json").read_text("utf-8"))
    assert made["role"] == "DCE2"
    assert made["seconds_since_first_phase"] == 90
    assert made["spacing_mm"] == [0.7, 0.8, 3.0]
    assert made["anisotropy"] == pytest.approx(3 / 0.7, abs=1e-3)
    assert made["tags"]["RepetitionTime_ms"] == 5.1
    assert made["tags"]["FlipAngle_deg"] == 10


def test_a_source_without_images_is_named(imported, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "letter.txt").write_text("hello")
    with pytest.raises(DataError, match="holds no MR image"):
        imported(tmp_path / "in")
    with pytest.raises(UsageError, match="no such folder"):
        imported(tmp_path / "nowhere")


def write_with_a_drawing(synthetic, folder):
    scan = synthetic.t2()
    synthetic.write(folder, scan)
    drawing = synthetic.instance(scan, synthetic.Volume(1, {"InstanceNumber": 99}), 0)
    drawing.SOPClassUID = drawing.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    drawing.SOPInstanceUID = synthetic.uid("seg")
    drawing.ReferencedSeriesSequence = synthetic.item(SeriesInstanceUID=scan.series_uid)
    drawing.save_as(folder / "seg.dcm")


def test_segmentations_are_copied_aside_and_indexed(synthetic, imported, tmp_path):
    write_with_a_drawing(synthetic, tmp_path / "in")
    outcome = imported(tmp_path / "in")
    private = tmp_path / "out.private"
    (entry,) = json.loads((private / "drawings.json").read_text("utf-8"))
    assert entry["kind"] == "SEG"
    assert entry["images"] == [{"file": f"{outcome.plans[0].name}/T2WI.nii.gz", "role": "T2WI"}]
    assert (private / entry["file"]).read_bytes() == (tmp_path / "in" / "seg.dcm").read_bytes()


def test_a_second_source_adds_to_a_patient_and_overwrites_nothing(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "a", synthetic.t2())
    synthetic.write(tmp_path / "b", synthetic.dynamic(3))
    synthetic.write(tmp_path / "c", synthetic.t2(number=9, uid="another", volumes=(synthetic.Volume(7),)))
    name = imported(tmp_path / "a").plans[0].name
    before = (tmp_path / "out" / name / "T2WI.nii.gz").read_bytes()
    imported(tmp_path / "b")
    table = pd.read_csv(tmp_path / "out" / "cohort.csv", dtype=str)
    assert table["sequences"].tolist() == ["T2WI;DCE1;DCE2;DCE3"]
    outcome = imported(tmp_path / "c")
    assert "an earlier import from another source" in outcome.failures[0]
    assert (tmp_path / "out" / name / "T2WI.nii.gz").read_bytes() == before
    assert len(pd.read_csv(tmp_path / "out" / "series.csv")) == 5


def names_of(outcome):
    return [plan.name for plan in outcome.plans]


def test_a_dry_run_shows_the_pseudonyms_of_the_import_or_says_that_they_are_provisional(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    imported(tmp_path / "in", dry_run=True)
    assert any("provisional" in line for line in imported.said)
    given = names_of(imported(tmp_path / "in"))
    assert names_of(imported(tmp_path / "in", dry_run=True)) == given
    assert not any("provisional" in line for line in imported.said)
    (tmp_path / "out.private" / "pseudonyms.csv").unlink()  # the key alone makes the same names
    assert names_of(imported(tmp_path / "in", dry_run=True)) == given


def changed(file):
    """Change one voxel of a volume as a user might; gives the new bytes."""
    volume = Volume.read(file)
    voxels = volume.voxels.copy()
    voxels[0, 0, 0] = 77
    replace(volume, voxels=voxels).write(file)
    return file.read_bytes()


def test_a_volume_that_a_user_has_changed_is_left_and_named(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    outcome = imported(tmp_path / "in")
    file = tmp_path / "out" / outcome.plans[0].name / "T2WI.nii.gz"
    ours = changed(file)
    outcome = imported(tmp_path / "in")
    assert file.read_bytes() == ours
    (problem,) = outcome.failures
    assert "T2WI" in problem and "changed after the import" in problem and "move it away" in problem
    assert pd.read_csv(tmp_path / "out" / "cohort.csv")["sequences"].tolist() == ["T2WI"]
    file.unlink()
    assert imported(tmp_path / "in").failures == () and Volume.read(file).voxels[0, 0, 0] == 100


def test_a_volume_that_a_user_has_changed_is_not_removed_when_its_role_changes(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    folder = tmp_path / "out" / imported(tmp_path / "in").plans[0].name
    ours = changed(folder / "T2WI.nii.gz")
    series = pd.read_csv(tmp_path / "out" / "series.csv", dtype=str)
    answer = pd.DataFrame({"patient": [folder.name], "role": ["T1WI"], "volume": series["volume"]})
    answer.to_csv(tmp_path / "out" / "review.csv", index=False)
    imported(tmp_path / "in")
    assert (folder / "T2WI.nii.gz").read_bytes() == ours
    assert Volume.read(folder / "T1WI.nii.gz").voxels[0, 0, 0] == 100


@pytest.mark.parametrize(
    ("heading", "cells", "says"),
    [
        (",age,age", ",61,62", "'age'"),
        (",", ",seen twice", "'seen twice' is in a column without a name"),
        (",note", ",small, irregular", "' irregular' is in a column without a name"),
    ],
)
def test_a_cohort_table_that_could_not_be_written_back_stops_the_import(
    synthetic, imported, tmp_path, heading, cells, says
):
    synthetic.write(tmp_path / "in", synthetic.t2())
    imported(tmp_path / "in")
    file = tmp_path / "out" / "cohort.csv"
    head, row = file.read_text("utf-8").splitlines()
    file.write_text(f"{head}{heading}\n{row}{cells}\n", "utf-8")
    before = file.read_bytes()
    with pytest.raises(DataError, match=says):
        imported(tmp_path / "in")
    assert file.read_bytes() == before


def test_a_cohort_table_in_another_encoding_keeps_its_letters(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    imported(tmp_path / "in")
    file = tmp_path / "out" / "cohort.csv"
    head, row = file.read_text("utf-8").splitlines()
    file.write_bytes(f"{head},备注\n{row},良性病变\n".encode("gb18030"))
    imported(tmp_path / "in")
    assert pd.read_csv(file)["备注"].tolist() == ["良性病变"]


def test_a_cohort_table_whose_letters_cannot_be_read_stops_the_import_before_it_begins(synthetic, imported, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    imported(tmp_path / "in")
    file = tmp_path / "out" / "cohort.csv"
    head, row = file.read_text("utf-8").splitlines()
    ours = f"{head},note\n{row},".encode() + "データ".encode("shift_jis") + b"\n"
    file.write_bytes(ours)
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    with pytest.raises(DataError, match=r"cohort\.csv, row 2: characters of .* cannot be read"):
        imported(tmp_path / "in")
    assert file.read_bytes() == ours and not list((tmp_path / "out").rglob("DCE1.nii.gz"))


def test_a_review_table_reduced_to_what_is_answered_is_read(synthetic, imported, roles, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    name = imported(tmp_path / "in").plans[0].name
    series = pd.read_csv(tmp_path / "out" / "series.csv", dtype=str)
    answer = pd.DataFrame({"patient": [name], "role": ["T1WI"], "volume": series["volume"]})
    answer.to_csv(tmp_path / "out" / "review.csv", index=False)
    assert list(roles(imported(tmp_path / "in"))) == ["T1WI"]
    assert pd.read_csv(tmp_path / "out" / "review.csv", dtype=str)["role"].tolist() == ["T1WI"]


@pytest.mark.parametrize("name", ["persons.json", "drawings.json", "review.json"])
@pytest.mark.parametrize("how", [lambda raw: raw[: len(raw) // 2], lambda raw: bytes(len(raw)), lambda raw: b"0"])
def test_what_an_import_remembers_is_named_where_it_is_damaged(synthetic, imported, tmp_path, name, how):
    write_with_a_drawing(synthetic, tmp_path / "in")
    imported(tmp_path / "in")
    file = tmp_path / "out.private" / name
    if not file.exists():
        file.write_text('["nothing"]\n', encoding="utf-8")
    file.write_bytes(how(file.read_bytes()))
    if name == "drawings.json":  # the volumes are imported whatever becomes of the drawings
        said = " ".join(imported(tmp_path / "in").failures)
    else:
        with pytest.raises(DataError) as caught:
            imported(tmp_path / "in")
        said = str(caught.value)
    assert re.search(rf"{name} .*it is damaged\. Without it .*To do: restore it", said)
    file.unlink()
    imported(tmp_path / "in")
