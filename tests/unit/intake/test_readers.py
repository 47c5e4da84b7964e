"""Two readers' drawings of one region: named after their readers where these are sure, asked about where not."""

import gzip

import numpy as np
import pandas as pd
import pydicom
import pytest
from typer.testing import CliRunner

from radstudy import Roi, Volume
from radstudy.cli import app
from radstudy.errors import UsageError
from radstudy.formats.dicom_seg_write import read_source_series, write_dicom_seg
from radstudy.formats.raster import read_raster

LEE, ROSSI = np.zeros((10, 8, 6), bool), np.zeros((10, 8, 6), bool)
LEE[2:6, 3:5, 1:4] = True
ROSSI[2:7, 3:6, 1:4] = True
DRAWN = {"Lee^Ann": LEE, "Rossi^Ugo": ROSSI}


def draw(synthetic, tmp_path, scan, file, mask, **tags):
    """A SEG as 3D Slicer writes it: the one segment is called Tumor, whoever drew it."""
    alone = tmp_path / "alone" / scan.patient / str(scan.number)
    synthetic.write(alone, scan)
    out = tmp_path / "in" / file
    out.parent.mkdir(parents=True, exist_ok=True)
    write_dicom_seg(out, [("Tumor", mask)], read_source_series(alone))
    dataset = pydicom.dcmread(out)
    for keyword in ("ContentCreatorName", "OperatorsName"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.SeriesDescription = "Segmentation"
    synthetic.put(dataset, tags)
    dataset.save_as(out)
    return out


@pytest.fixture
def cohort(synthetic, tmp_path):
    """Two patients, T2WI and DWI, each drawn by both readers: `tags_of(reader, patient, scan)` tells a drawing's tags,
    `file_of` its place; which of the two comes first changes from volume to volume.
    """

    def make(tags_of=lambda *_: {}, file_of=lambda reader, patient, number: f"{patient}/{number}/{reader[:3]}.dcm"):
        for patient in ("A", "B"):
            scans = [
                synthetic.t2(patient=patient, name=f"{patient}X^Y", study=patient),
                synthetic.Scan({**synthetic.DWI, "DiffusionBValue": 800}, number=5, patient=patient,
                               name=f"{patient}X^Y", study=patient),
            ]  # fmt: skip
            synthetic.write(tmp_path / "in" / patient, *scans)
            for scan in scans:
                order = sorted(DRAWN, reverse=(patient == "A") != (scan.number == 5))
                for reader in order:
                    file = file_of(reader, patient, scan.number)
                    tags = tags_of(reader, patient, scan.number)
                    draw(synthetic, tmp_path, scan, file, DRAWN[reader], SeriesNumber=100 + order.index(reader), **tags)
        return tmp_path / "in"

    return make


def table(tmp_path):
    return pd.read_csv(tmp_path / "out" / "masks.csv", dtype=str, keep_default_na=False)


def review(tmp_path):
    return pd.read_csv(tmp_path / "out" / "review.csv", dtype=str, keep_default_na=False)


def check_files(tmp_path, lee="Lee-Ann", rossi="Rossi-Ugo"):
    """Every mask under a reader's name is that reader's, on every volume of every patient."""
    found = sorted((tmp_path / "out").rglob("masks/*.nii.gz"))
    names = sorted(file.name for file in found)
    assert names == sorted([f"{role}_Tumor_{who}.nii.gz" for role in ("T2WI", "DWI_b800") for who in (lee, rossi)] * 2)
    for file in found:
        np.testing.assert_array_equal(read_raster(file)[0] != 0, LEE if f"_{lee}." in file.name else ROSSI)


def test_readers_are_named_by_who_created_the_drawings(cohort, imported, tmp_path):
    moment = {"ContentDate": "20240317", "ContentTime": "101500"}
    outcome = imported(cohort(lambda reader, *_: {"ContentCreatorName": reader, **moment}))
    assert outcome.failures == () and outcome.to_review == 0
    check_files(tmp_path)
    rows = table(tmp_path)
    assert rows.groupby("reader")["creator"].unique().map(list).to_dict() == {
        "Lee-Ann": ["Lee^Ann"], "Rossi-Ugo": ["Rossi^Ugo"],
    }  # fmt: skip
    assert set(rows["name"]) == {"Tumor"} and set(rows["label"]) == {"1"}
    assert set(rows["date"]) == {"12 days after the examination"}
    assert set(rows["description"].str.partition(" / ")[0]) == {"Segmentation"}
    assert set(rows["source"].str[1:]) == {"/3", "/5"}
    cohort_table = pd.read_csv(tmp_path / "out" / "cohort.csv", dtype=str)
    assert all(
        set(masks.split(";")) == {f"{role}_Tumor_{who}" for role in ("T2WI", "DWI_b800") for who in
                                  ("Lee-Ann", "Rossi-Ugo")}
        for masks in cohort_table["masks"]
    )  # fmt: skip
    before = {file: file.read_bytes() for file in (tmp_path / "out").rglob("masks/*")}
    imported(tmp_path / "in")
    pd.testing.assert_frame_equal(table(tmp_path), rows)
    assert {file: file.read_bytes() for file in (tmp_path / "out").rglob("masks/*")} == before


def test_readers_are_named_by_the_description_of_their_series(cohort, imported, tmp_path):
    imported(cohort(lambda reader, *_: {"SeriesDescription": f"Seg {reader[:3]}", "ContentCreatorName": "Slicer"}))
    check_files(tmp_path, "Seg-Lee", "Seg-Ros")


@pytest.mark.parametrize(
    ("rule", "file_of"),
    [
        ("annotations/{reader}/", lambda reader, patient, number: f"annotations/{reader[:3]}/{patient}/{number}.dcm"),
        ("*_{reader}.dcm", lambda reader, patient, number: f"{patient}/{number}_{reader[:3]}.dcm"),
    ],
)
def test_a_rule_names_the_readers(cohort, tmp_path, rule, file_of):
    source = cohort(file_of=file_of)
    done = CliRunner().invoke(app, ["import", str(source), "--out", str(tmp_path / "out"), "--readers", rule])
    assert done.exit_code == 0, done.output
    check_files(tmp_path, "Lee", "Ros")


def test_a_rule_reads_a_part_of_the_description(cohort, imported, tmp_path):
    source = cohort(lambda reader, _, number: {"SeriesDescription": f"Seg {number} by {reader[:3]}"})
    imported(source, readers=("description:* by {reader}",))
    check_files(tmp_path, "Lee", "Ros")


@pytest.mark.parametrize("rule", ["annotations/", "{reader}/{reader}", "creator:"])
def test_a_rule_without_a_reader_is_refused(cohort, imported, rule):
    with pytest.raises(UsageError, match=r"must contain \{reader\} exactly once"):
        imported(cohort(), readers=(rule,))


def unsure(reader, patient, number):
    """Tags that tell the readers apart on one patient only, or differ from volume to volume."""
    return {"ContentCreatorName": reader} if patient == "A" else {"SeriesDescription": f"{number} {reader}"}


@pytest.mark.parametrize("tags_of", [lambda *_: {}, unsure])
def test_without_a_sure_reader_nothing_is_written_and_an_answer_settles_each(cohort, imported, tmp_path, tags_of):
    source = cohort(tags_of)
    outcome = imported(source)
    assert outcome.failures == () and outcome.to_review == 8
    assert not list((tmp_path / "out").rglob("masks/*"))
    rows = table(tmp_path)
    assert len(rows) == 8 and set(rows["reader"]) == set(rows["file"]) == {""}
    assert (
        rows["reason"]
        .str.contains("2 drawings of 'Tumor' on (?:T2WI|DWI_b800), and nothing distinguishes their readers")
        .all()
    )
    asked = review(tmp_path)
    assert asked["kind"].tolist() == ["mask"] * 8
    for row in asked.itertuples():
        file = next((tmp_path / "out.private" / "drawings").rglob(f"{row.volume[1:]}.dcm"))
        drawn = pydicom.dcmread(file).pixel_array.sum()
        asked.loc[row.Index, "reader"] = "reader1" if drawn == LEE.sum() else "reader2"
    asked.to_csv(tmp_path / "out" / "review.csv", index=False)
    assert imported(source).to_review == 0
    check_files(tmp_path, "reader1", "reader2")
    assert set(table(tmp_path)["reader"]) == {"reader1", "reader2"}
    assert review(tmp_path)["reader"].tolist() == asked["reader"].tolist()  # the answers stay
    imported(source)
    check_files(tmp_path, "reader1", "reader2")


def test_two_drawings_of_one_reader_are_asked_about_and_one_can_be_left_out(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    for file in ("a/Lee.dcm", "b/Lee.dcm", "b/Ros.dcm"):
        draw(synthetic, tmp_path, scan, file, ROSSI if "Ros" in file else LEE)
    rules = ("{reader}.dcm",)
    assert imported(tmp_path / "in", readers=rules).to_review == 2
    asked = review(tmp_path)
    assert asked["reason"].str.contains("2 drawings of 'Tumor' on T2WI are by Lee").all()
    assert {text.partition(";")[0] for text in asked["evidence"]} == {"folder: a", "folder: b"}
    asked["reader"] = ["-", ""]
    asked.to_csv(tmp_path / "out" / "review.csv", index=False)
    assert imported(tmp_path / "in", readers=rules).to_review == 0
    names = sorted(file.name for file in (tmp_path / "out").rglob("masks/*"))
    assert names == ["T2WI_Tumor_Lee.nii.gz", "T2WI_Tumor_Ros.nii.gz"]
    assert "left out by a reader's answer" in set(table(tmp_path)["reason"])


def test_a_drawing_made_on_a_phase_goes_before_its_readers_drawings_of_other_phases(synthetic, imported, tmp_path):
    """Each phase in a series of its own, drawn on by both readers: each has its own masks, of the right reader."""
    shifts = {"DCE1": 0, "DCE2": 1, "DCE3": 2}
    for number in shifts.values():
        tags = {**synthetic.GRE, "SeriesDescription": "t1 fl3d dyn", "AcquisitionTime": synthetic.time_of(60 * number)}
        scan = synthetic.Scan(tags, (synthetic.Volume(1000 * number),), number=7 + number)
        synthetic.write(tmp_path / "in", scan)
        for reader in sorted(DRAWN, reverse=number == 1):
            mask = np.roll(DRAWN[reader], number, axis=0)
            draw(synthetic, tmp_path, scan, f"{number}{reader[:3]}.dcm", mask, ContentCreatorName=reader)
    outcome = imported(tmp_path / "in")
    assert outcome.failures == () and outcome.to_review == 0
    rows = table(tmp_path)
    assert len(rows) == 6
    for row in rows.itertuples():
        mask = np.roll(LEE if row.reader == "Lee-Ann" else ROSSI, shifts[row.role], axis=0)
        np.testing.assert_array_equal(read_raster(tmp_path / "out" / row.file)[0] != 0, mask)
        assert row.file.endswith(f"/masks/{row.role}_Tumor_{row.reader}.nii.gz")


def test_the_name_of_the_patient_is_no_readers_name(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    for folder in ("Mustermann", "other"):
        draw(synthetic, tmp_path, scan, f"{folder}/seg.dcm", LEE)
    imported(tmp_path / "in", readers=("{reader}/",))
    texts = [path.read_text("utf-8").lower() for path in (tmp_path / "out").glob("*.*v")] + imported.said
    assert not any("mustermann" in text.lower() for text in texts)
    assert not list((tmp_path / "out").rglob("*ustermann*"))
    assert "matches words that identify the patient, not a reader" in " ".join(review(tmp_path)["reason"])


def test_files_of_an_earlier_import_are_renamed_by_an_answer_alone_and_never_a_changed_one(
    synthetic, imported, tmp_path
):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    draw(synthetic, tmp_path, scan, "a.dcm", LEE)
    outcome = imported(tmp_path / "in")
    masks = tmp_path / "out" / outcome.plans[0].name / "masks"
    draw(synthetic, tmp_path, scan, "b.dcm", ROSSI)
    imported(tmp_path / "in")
    asked = review(tmp_path)
    held = table(tmp_path).set_index("drawing")["file"]
    asked["reader"] = ["one" if held[f"{key[1:]}.dcm"] else "two" for key in asked["volume"]]
    asked.to_csv(tmp_path / "out" / "review.csv", index=False)
    image = Volume.read(masks.parent / "T2WI.nii.gz")
    original = (masks / "T2WI_Tumor.nii.gz").read_bytes()
    Roi(np.roll(LEE, 1, axis=0), image.affine).write(masks / "T2WI_Tumor.nii.gz")
    changed = (masks / "T2WI_Tumor.nii.gz").read_bytes()
    imported(tmp_path / "in")
    assert (masks / "T2WI_Tumor.nii.gz").read_bytes() == changed
    assert sorted(file.name for file in masks.iterdir()) == ["T2WI_Tumor.nii.gz", "T2WI_Tumor_two.nii.gz"]
    (masks / "T2WI_Tumor.nii.gz").write_bytes(original)
    imported(tmp_path / "in")
    assert sorted(file.name for file in masks.iterdir()) == ["T2WI_Tumor_one.nii.gz", "T2WI_Tumor_two.nii.gz"]
    assert any("removed" in said and "T2WI_Tumor.nii.gz" in said for said in imported.said)


def test_one_drawing_under_two_readers_is_noted(synthetic, imported, tmp_path):
    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    for reader in DRAWN:
        draw(synthetic, tmp_path, scan, f"{reader[:3]}.dcm", LEE, ContentCreatorName=reader)
    imported(tmp_path / "in")
    assert table(tmp_path)["note"].str.contains("its voxels equal those of another drawing of this region").all()


def test_the_order_in_which_drawings_are_met_names_no_reader(cohort, imported, tmp_path):
    source = cohort(lambda reader, *_: {"ContentCreatorName": reader})
    imported(source)
    pseudonyms = tmp_path / "out.private" / "pseudonyms.csv"
    first = {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    mixed = tmp_path / "mixed"
    for number, file in enumerate(sorted(source.rglob("*.dcm"), reverse=True)):
        place = mixed / file.relative_to(source).parent / f"{number:04d}.dcm"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    imported(mixed, out=tmp_path / "again", pseudonyms=pseudonyms)
    again = {p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*") if p.is_file()}
    assert again == first


def test_what_was_found_in_the_contours_is_noted(synthetic, imported, tmp_path):
    from unit.intake.test_masks import structures

    scan = synthetic.t2()
    synthetic.write(tmp_path / "in", scan)
    structures(synthetic, scan, tmp_path / "in" / "rt.dcm", series=scan.series_uid, slices=(1, 1, 2, 3))
    imported(tmp_path / "in")
    (row,) = table(tmp_path).itertuples()
    assert row.voxels == "24"
    assert "1 contour(s) were drawn twice (slice 2) and count once" in row.note


def slicers(file, mask, affine, name="Tumor"):
    """A segmentation as 3D Slicer saves it."""
    from radstudy.formats.seg_nrrd import write_seg_nrrd

    file.parent.mkdir(parents=True, exist_ok=True)
    write_seg_nrrd(file, {name: mask} if isinstance(mask, np.ndarray) else mask, affine)


@pytest.fixture
def affine_of(imported, tmp_path):
    """The affine of a volume, from an import of its images alone."""

    def of(source, role):
        imported(source, out=tmp_path / "look", private=tmp_path / "look.private")
        return read_raster(next((tmp_path / "look").rglob(f"{role}.nii.gz")))[1]

    return of


def test_a_slicer_segmentation_beside_the_images_becomes_their_mask(synthetic, imported, affine_of, tmp_path):
    dynamic, t2 = synthetic.dynamic(2), synthetic.t2(spacing=(0.8, 0.75))
    synthetic.write(tmp_path / "in" / "P" / "dyn", dynamic)
    synthetic.write(tmp_path / "in" / "P" / "t2", t2)
    other = synthetic.t2(patient="OTHER", name="DOE^JANE", study="x")
    synthetic.write(tmp_path / "in" / "Q", other)
    affine = affine_of(tmp_path / "in" / "P", "T2WI")
    slicers(tmp_path / "in" / "P" / "t2" / "Segmentation.seg.nrrd", LEE, affine)
    slicers(tmp_path / "in" / "P" / "by place.seg.nrrd", {"node": LEE, "rim": ROSSI}, affine)
    outcome = imported(tmp_path / "in")
    assert outcome.failures == ()
    rows = table(tmp_path).sort_values("name")
    assert rows["name"].tolist() == ["Tumor", "node", "rim"]
    assert set(rows["role"]) == {"T2WI"} and set(rows["kind"]) == {"SLICER"}
    assert rows["placed"].tolist() == ["by its folder", "by position", "by position"]
    for row, mask in zip(rows.itertuples(), (LEE, LEE, ROSSI), strict=True):
        np.testing.assert_array_equal(read_raster(tmp_path / "out" / row.file)[0] != 0, mask)
        assert (tmp_path / "out.private" / "drawings" / row.patient / row.drawing).is_file()
    assert not any("not DICOM" in said for said in imported.said)
    assert "not DICOM" not in (tmp_path / "out.private" / "skipped.csv").read_text("utf-8")


def test_a_slicer_segmentation_among_several_patients_is_not_guessed(synthetic, imported, affine_of, tmp_path):
    for who in ("ONE", "TWO"):
        synthetic.write(tmp_path / "in" / who, synthetic.t2(patient=who, name=f"{who}^A", study=who))
    slicers(tmp_path / "in" / "Tumor.seg.nrrd", LEE, affine_of(tmp_path / "in" / "ONE", "T2WI"))
    (failure,) = imported(tmp_path / "in").failures
    assert "1 segmentation(s) of 3D Slicer are not in a folder with images of only one patient" in failure
    assert not (tmp_path / "out" / "masks.csv").exists()
    assert "images of 2 patients" in (tmp_path / "out.private" / "skipped.csv").read_text("utf-8")


def test_segments_in_layers_that_share_a_number_keep_their_own_files(synthetic, imported, affine_of, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2())
    file = tmp_path / "in" / "s.seg.nrrd"
    slicers(file, {"a": LEE, "b": ROSSI}, affine_of(tmp_path / "in", "T2WI"))
    head, _, body = file.read_bytes().partition(b"\n\n")
    voxels = np.frombuffer(gzip.decompress(body), np.uint8)
    head = head.replace(b"Segment1_LabelValue:=2", b"Segment1_LabelValue:=1")
    file.write_bytes(head + b"\n\n" + gzip.compress(np.where(voxels == 2, 1, voxels).astype(np.uint8).tobytes()))
    imported(tmp_path / "in")
    for row, mask in zip(table(tmp_path).sort_values("name").itertuples(), (LEE, ROSSI), strict=True):
        np.testing.assert_array_equal(read_raster(tmp_path / "out" / row.file)[0] != 0, mask)


def test_slicer_segmentations_with_the_same_bytes_stay_each_readers_and_each_patients(
    synthetic, imported, affine_of, tmp_path
):
    drawn = {"case1": {"lee": LEE, "rossi": LEE}, "case2": {"rossi": LEE, "lee": ROSSI}}
    for case, masks in drawn.items():
        own = tmp_path / "in" / case
        synthetic.write(own / "t2", synthetic.t2(patient=f"ID-{case}", name=f"{case}^A", study=case))
        affine = affine_of(own / "t2", "T2WI")
        for reader, mask in masks.items():
            slicers(own / "read" / reader / "Tumor.seg.nrrd", mask, affine)
    imported(tmp_path / "in", readers=("read/{reader}/",))
    rows = table(tmp_path)
    assert sorted(rows["reader"]) == ["lee", "lee", "rossi", "rossi"]
    for patient, own in rows.groupby("patient"):
        written = {row.reader: read_raster(tmp_path / "out" / row.file)[0] != 0 for row in own.itertuples()}
        same = [all(np.array_equal(written[reader], masks[reader]) for reader in masks) for masks in drawn.values()]
        assert sum(same) == 1, patient
