"""Damaged objects: each is named, the series that may lack it is held back, and everything else comes in as it is."""

import io
import struct
import subprocess
import sys
import unicodedata
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from radstudy import Volume

TABLES = ("series.csv", "review.csv", "cohort.csv", "review.html")
OTHER = {"patient": "OTHER", "name": "DOE^JANE", "birth": "19700101"}


def voxels(out, role, patient="*"):
    return Volume.read(next(out.glob(f"{patient}/{role}.nii.gz"))).voxels


def stored(scan):
    return np.stack([scan.pixels(scan.volumes[0], number).T for number in range(scan.slices)], axis=2)


def by_number(files, number):
    return next(file for file in files if pydicom.dcmread(file).InstanceNumber == number)


def with_role(outcome, role):
    return [item for plan in outcome.plans for item in plan.with_status("role") if item.decision.role == role]


def reasons(outcome):
    return [item.decision.reason for plan in outcome.plans for item in plan.items if item.decision.reason]


def is_named(outcome):
    return bool(outcome.failures) or any(plan.with_status("review", "refused") for plan in outcome.plans)


# --- cut short ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 4], ids=["the first slice", "the last slice"])
def test_a_slice_cut_short_at_any_of_55_lengths_is_never_missing_without_a_word(synthetic, imported, tmp_path, number):
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4))
    cut = by_number(files, number)
    whole = cut.read_bytes()
    for length in np.linspace(1, len(whole) - 1, 55).astype(int):
        cut.write_bytes(whole[:length])
        outcome = imported(tmp_path / "in", dry_run=True)
        assert not with_role(outcome, "T2WI"), f"{length} of {len(whole)} bytes"
        assert outcome.failures, f"{length} of {len(whole)} bytes"


def test_an_enhanced_object_cut_within_its_header_is_named_and_is_no_single_image(synthetic, imported, tmp_path):
    scan = synthetic.t2(slices=4)
    dataset = synthetic.enhanced(scan, [(scan.volumes[0], number) for number in range(4)], lambda *_: None)
    memory = io.BytesIO()
    dataset.save_as(memory, enforce_file_format=True)
    whole = memory.getvalue()
    groups = whole.index(b"\x00\x52\x30\x92")
    synthetic.write(tmp_path / "in", synthetic.t2(**OTHER))
    for length in (groups, groups + 30, groups + 200, whole.index(b"\xe0\x7f\x10\x00")):
        (tmp_path / "in" / "enhanced.dcm").write_bytes(whole[:length])
        outcome = imported(tmp_path / "in", dry_run=True)
        assert outcome.failures, length
        assert not any(item.decision.kind == "single image" for plan in outcome.plans for item in plan.items), length
        assert len(with_role(outcome, "T2WI")) == 1, length


def test_after_the_damaged_file_is_copied_again_the_next_import_is_right(synthetic, imported, roles, tmp_path):
    scan = synthetic.t2(slices=4)
    files = synthetic.write(tmp_path / "in", scan)
    last = by_number(files, 4)
    whole = last.read_bytes()
    last.write_bytes(whole[:100])
    first = imported(tmp_path / "in")
    assert not with_role(first, "T2WI")
    assert all((tmp_path / "out" / table).is_file() for table in TABLES)
    last.write_bytes(whole)
    again = imported(tmp_path / "in")
    assert list(roles(again)) == ["T2WI"]
    assert again.failures == ()
    np.testing.assert_array_equal(voxels(tmp_path / "out", "T2WI"), stored(scan))
    assert not list((tmp_path / "out").rglob("unsure/*.nii.gz"))


@pytest.mark.parametrize("content", [b"", bytes(85), bytes(3000)], ids=["empty", "85 zeros", "3,000 zeros"])
def test_a_file_that_is_empty_or_zero_and_named_as_the_images_may_be_one_of_them(
    synthetic, imported, tmp_path, content
):
    files = synthetic.write(tmp_path / "in" / "a", synthetic.t2(slices=4))
    by_number(files, 4).write_bytes(content)
    synthetic.write(tmp_path / "in" / "b", synthetic.t2(**OTHER))
    outcome = imported(tmp_path / "in")
    assert any("damaged" in failure for failure in outcome.failures)
    assert any("may be one of its images" in reason for reason in reasons(outcome))
    assert len(with_role(outcome, "T2WI")) == 1  # the other patient's, in another folder


def test_a_damaged_file_that_tells_its_series_holds_back_no_other(synthetic, imported, tmp_path):
    scan, dynamic = synthetic.t2(slices=4), synthetic.dynamic(3)
    files = synthetic.write(tmp_path / "in", scan)
    synthetic.write(tmp_path / "in", dynamic, synthetic.t2(**OTHER))
    last = by_number(files, 4)
    raw = last.read_bytes()
    last.write_bytes(raw[: raw.index(b"\x28\x00\x10\x00")])  # before Rows
    outcome = imported(tmp_path / "in")
    assert any("T2WI (series 3): instance 4: it has no pixels" in failure for failure in outcome.failures)
    assert len(with_role(outcome, "T2WI")) == 1
    assert [len(with_role(outcome, f"DCE{number}")) for number in (1, 2, 3)] == [1, 1, 1]


# --- missing at the ends -----------------------------------------------------------------------------------------


def test_a_phase_that_lacks_its_last_slice_is_refused_and_the_others_keep_their_roles(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.dynamic(3, slices=6))
    by_number(files, 12).unlink()  # the last slice of the second phase
    outcome = imported(tmp_path / "in")
    assert any("1 slice(s) at the end are missing" in failure for failure in outcome.failures)
    assert [len(with_role(outcome, f"DCE{number}")) for number in (1, 2, 3)] == [1, 0, 1]


def test_images_that_are_numbered_from_two_are_for_review(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2())
    by_number(files, 1).unlink()
    outcome = imported(tmp_path / "in")
    assert not with_role(outcome, "T2WI")
    assert any("numbered from 2" in reason for reason in reasons(outcome))


@pytest.mark.parametrize("last_letter", ["x", "next"])
def test_an_end_slice_whose_series_uid_is_damaged_is_not_missing_without_a_word(
    synthetic, imported, tmp_path, last_letter
):
    last = by_number(synthetic.write(tmp_path / "in", synthetic.t2()), 6)
    uid = synthetic.read(last).SeriesInstanceUID
    letter = str((int(uid[-1]) + 1) % 10) if last_letter == "next" else last_letter
    last.write_bytes(last.read_bytes().replace(uid.encode(), (uid[:-1] + letter).encode()))
    outcome = imported(tmp_path / "in")
    assert not with_role(outcome, "T2WI")
    assert any("has another SeriesInstanceUID" in reason for reason in reasons(outcome))


def test_a_uid_of_other_letters_than_ascii_is_damage(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2())
    last = by_number(files, 6)
    uid = synthetic.read(last).SeriesInstanceUID.encode()
    last.write_bytes(last.read_bytes().replace(uid, uid[:-2] + b"\xeb\xfd"))
    outcome = imported(tmp_path / "in")
    assert not with_role(outcome, "T2WI") and is_named(outcome)


@pytest.mark.parametrize("offset", [6, 60, 1000, -1])
def test_numbers_that_go_on_from_another_series_are_no_alarm(synthetic, imported, tmp_path, offset):
    for file in synthetic.write(tmp_path / "in", synthetic.t2()):
        dataset = synthetic.read(file)
        dataset.InstanceNumber += offset
        dataset.save_as(file)
    assert len(with_role(imported(tmp_path / "in", dry_run=True), "T2WI")) == 1


def test_an_acquisition_of_more_images_than_are_here_is_for_review(synthetic, imported, tmp_path):
    tags = {**synthetic.T2, "ImagesInAcquisition": 7}
    synthetic.write(tmp_path / "in", synthetic.t2(tags=tags))
    outcome = imported(tmp_path / "in", dry_run=True)
    assert any("the acquisition has 7 images, but only 6 are present" in reason for reason in reasons(outcome))


# --- one bad object ----------------------------------------------------------------------------------------------


def _unknown_vr(raw):
    at = raw.index(b"\x08\x00\x16\x00UI")
    return raw[: at + 4] + b"ZQ" + raw[at + 6 :]


def _odd_length(raw):
    at = raw.index(b"\x28\x00\x10\x00US\x02\x00")
    return raw[: at + 6] + b"\x03\x00" + raw[at + 8 : at + 10] + b"\0" + raw[at + 10 :]


def _not_deflated(raw):
    return raw.replace(
        b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0", b"\x02\x00\x10\x00UI\x16\x001.2.840.10008.1.2.1.99"
    )


def _huge_length(raw):
    at = raw.index(b"\x18\x00\x20\x00CS")
    return raw[: at + 4] + b"UT\0\0\xf0\xff\xff\xff" + raw[at + 8 :]


def _one_coordinate(raw):
    at = raw.index(b"\x20\x00\x32\x00DS")
    return raw[: at + 6] + b"\x06\x00-40.0 " + raw[at + 8 + raw[at + 6] :]


DAMAGE = (_unknown_vr, _odd_length, _not_deflated, _huge_length, _one_coordinate)


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__.strip("_"))
def test_one_damaged_object_costs_its_series_alone_and_no_table(synthetic, imported, tmp_path, damage):
    scan, other = synthetic.t2(slices=4), synthetic.t2(slices=4, **OTHER)
    files = synthetic.write(tmp_path / "in", scan)
    synthetic.write(tmp_path / "in", synthetic.dynamic(3), other)
    last = by_number(files, 4)
    whole = last.read_bytes()
    last.write_bytes(damage(whole))
    outcome = imported(tmp_path / "in")
    assert outcome.failures
    assert not any("MUSTERMANN" in text or "HOSP-4711" in text for text in outcome.failures)
    assert len(with_role(outcome, "T2WI")) == 1
    assert len(list((tmp_path / "out").glob("*/DCE*.nii.gz"))) == 3
    assert all((tmp_path / "out" / table).is_file() for table in TABLES)
    last.write_bytes(whole)
    assert imported(tmp_path / "in").failures == ()
    assert len(list((tmp_path / "out").glob("*/T2WI.nii.gz"))) == 2


def _elements_swallowed(raw):
    """A description whose length takes in the elements after it, up to the UIDs."""
    at = raw.index(b"\x08\x00\x3e\x10LO")
    end = raw.index(b"\x18\x00\x20\x00CS")
    return raw[: at + 6] + struct.pack("<H", end - at - 8) + raw[at + 8 :]


def _byte_more(raw):
    at = raw.index(b"\xe0\x7f\x10\x00") + 40
    return raw[:at] + b"\x07" + raw[at:]


def _fewer_rows(raw):
    at = raw.index(b"\x28\x00\x10\x00US\x02\x00")
    return raw[: at + 8] + b"\x04\x00" + raw[at + 10 :]


def _called_compressed(raw):
    return raw.replace(b"UI\x14\x001.2.840.10008.1.2.1\0", b"UI\x14\x001.2.840.10008.1.2.5\0")


def _other_kind(raw):
    at = raw.index(b"\x08\x00\x16\x00UI")
    return raw[: at + 8] + raw[at + 8 : at + 40].replace(b"1.1.4", b"1.1.7") + raw[at + 40 :]


def _doubled(raw):
    at = raw.index(b"\x20\x00\x32\x00DS")
    end = at + 8 + raw[at + 6]
    return raw[:end] + raw[at:end].replace(b"-40.0", b"-20.0") + raw[end:]


@pytest.mark.parametrize(
    "damage",
    [_elements_swallowed, _byte_more, _fewer_rows, _called_compressed, _other_kind, _doubled],
    ids=lambda damage: damage.__name__.strip("_"),
)
def test_what_an_object_says_of_itself_has_to_fit(synthetic, imported, tmp_path, damage):
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4))
    last = by_number(files, 4)
    last.write_bytes(damage(last.read_bytes()))
    outcome = imported(tmp_path / "in")
    assert not with_role(outcome, "T2WI")
    assert is_named(outcome)
    assert not list((tmp_path / "out").glob("*/T2WI.nii.gz"))


def test_an_examination_of_two_patients_is_for_review(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4))
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    for file in files:
        dataset = synthetic.read(file)
        dataset.PatientID = "HOSP-4?11"
        dataset.save_as(file)
    outcome = imported(tmp_path / "in", dry_run=True)
    assert not with_role(outcome, "T2WI")
    assert any("name 2 patients" in reason for reason in reasons(outcome))


def test_images_stored_with_different_bits_are_for_review(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4))
    dataset = synthetic.read(files[1])
    dataset.BitsStored = 2
    dataset.save_as(files[1])
    outcome = imported(tmp_path / "in", dry_run=True)
    assert not with_role(outcome, "T2WI")
    assert any("stored with 2 and 16 bits" in reason for reason in reasons(outcome))


# --- ZIP files and media -----------------------------------------------------------------------------------------


def packed(file, members):
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that occur twice
        for name, content in members:
            archive.writestr(name, content)
    return file


def test_members_of_one_name_are_all_read(synthetic, imported, tmp_path):
    one, other = synthetic.t2(slices=5), synthetic.t2(slices=5, **OTHER)
    files = [*synthetic.write(tmp_path / "a", one), *synthetic.write(tmp_path / "b", other)]
    source = packed(tmp_path / "a.zip", [("IM0", file.read_bytes()) for file in files])
    outcome = imported(source)
    assert outcome.failures == ()
    made = sorted((tmp_path / "out").glob("*/T2WI.nii.gz"))
    assert len(made) == 2
    for file in made:
        np.testing.assert_array_equal(Volume.read(file).voxels, stored(one))


def test_names_that_differ_in_case_or_form_or_lead_outside_are_members_like_others(synthetic, imported, tmp_path):
    scan = synthetic.t2(slices=5)
    names = [unicodedata.normalize(form, "ä/IM1") for form in ("NFC", "NFD")] + ["ä/im1", "/etc/IM1", "../../IM1"]
    files = synthetic.write(tmp_path / "a", scan)
    source = packed(tmp_path / "a.zip", zip(names, [file.read_bytes() for file in files], strict=True))
    assert imported(source).failures == ()
    np.testing.assert_array_equal(voxels(tmp_path / "out", "T2WI"), stored(scan))
    assert not (tmp_path / "IM1").exists()


def _broken_zip(tmp_path, synthetic, change):
    """A ZIP file of two patients, the last slice of one damaged by `change` of the archive's bytes and its member."""
    scan = synthetic.t2(slices=4)
    files = synthetic.write(tmp_path / "a", scan)
    last = by_number(files, 4)
    others = synthetic.write(tmp_path / "b", synthetic.t2(slices=4, **OTHER))
    source = packed(
        tmp_path / "a.zip", [(f"{file.parent.name}/{file.name}", file.read_bytes()) for file in files + others]
    )
    with zipfile.ZipFile(source) as archive:
        member = archive.getinfo(f"a/{last.name}")
        end = archive.start_dir
    raw = bytearray(source.read_bytes())
    change(raw, member, raw.index(member.filename.encode(), end) - 46)
    source.write_bytes(raw)
    return source


def _wrong_checksum(raw, member, central):
    raw[central + 16] ^= 1


def _damaged_content(raw, member, central):
    begin = member.header_offset + 30 + len(member.filename)
    raw[begin + 5 : begin + 60] = b"\xff" * 55


def _with_password(raw, member, central):
    raw[central + 8] |= 1
    raw[member.header_offset + 6] |= 1


@pytest.mark.parametrize("change", [_wrong_checksum, _damaged_content, _with_password])
def test_a_damaged_member_of_a_zip_file_costs_its_series_alone(synthetic, imported, tmp_path, change):
    outcome = imported(_broken_zip(tmp_path, synthetic, change))
    assert any("damaged" in failure for failure in outcome.failures)
    (one,) = with_role(outcome, "T2WI")  # the other patient's
    assert one.decision.stack.frames[0].identity.patient_id == "OTHER"
    assert len(list((tmp_path / "out").glob("*/T2WI.nii.gz"))) == 1
    assert all((tmp_path / "out" / table).is_file() for table in TABLES)


def test_a_zip_file_in_a_zip_file_is_named(synthetic, imported, tmp_path):
    files = synthetic.write(tmp_path / "a", synthetic.t2(slices=4))
    inner = packed(tmp_path / "inner.zip", [("x", b"x")]).read_bytes()
    members = [(file.name, file.read_bytes()) for file in files]
    outcome = imported(packed(tmp_path / "a.zip", [*members, ("more.zip", inner)]))
    assert any("1 archive(s) inside the ZIP file" in failure for failure in outcome.failures)
    assert len(with_role(outcome, "T2WI")) == 1


def test_images_that_a_dicomdir_does_not_list_are_not_lost(synthetic, imported, tmp_path):
    scan = synthetic.t2(slices=4)
    files = synthetic.write(tmp_path / "a", scan)
    medium = synthetic.dicomdir(files, tmp_path / "cd")
    raw = medium.read_bytes()
    at = raw.rindex(b"\x04\x00\x00\x15CS")  # ReferencedFileID of the last record
    medium.write_bytes(raw[: at + 2] + b"\x01\x15" + raw[at + 4 :])
    outcome = imported(medium)
    assert any("which does not list them" in failure for failure in outcome.failures)
    np.testing.assert_array_equal(voxels(tmp_path / "out", "T2WI"), stored(scan))


# --- sizes -------------------------------------------------------------------------------------------------------


def _deflated(synthetic, file, tail):
    """A T2 slice, deflated, with a last element of so many zeros."""
    scan = synthetic.t2(slices=4)
    dataset = synthetic.instance(scan, scan.volumes[0], 3)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    memory = io.BytesIO()
    dataset.save_as(memory, enforce_file_format=True)
    raw = memory.getvalue()
    begin = 144 + struct.unpack("<I", raw[140:144])[0]
    plain = zlib.decompress(raw[begin:], -15)
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    with file.open("wb") as out:
        out.write(raw[:begin] + press.compress(plain + b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<I", tail)))
        for _ in range(tail >> 20):
            out.write(press.compress(bytes(1 << 20)))
        out.write(press.flush())


def test_a_deflated_object_comes_in(synthetic, imported, roles, tmp_path):
    scan = synthetic.t2(slices=4)
    files = synthetic.write(tmp_path / "in", scan)
    _deflated(synthetic, by_number(files, 4), 0)
    assert list(roles(imported(tmp_path / "in"))) == ["T2WI"]
    np.testing.assert_array_equal(voxels(tmp_path / "out", "T2WI"), stored(scan))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say how much memory was taken")
def test_a_deflated_object_beyond_its_bound_is_named_and_takes_no_memory(synthetic, tmp_path):
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4))
    synthetic.write(tmp_path / "in", synthetic.t2(**OTHER))
    _deflated(synthetic, by_number(files, 4), 1200 << 20)
    assert by_number(files, 1).stat().st_size < 2 << 20
    code = rf"""
import atexit, pathlib, re
peak = lambda: re.search(r"VmHWM:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())[1]
atexit.register(lambda: pathlib.Path({str(tmp_path / "peak")!r}).write_text(peak()))
from radstudy.cli import main
main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", code, "import", str(tmp_path / "in"), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    peak_mb = int((tmp_path / "peak").read_text()) / 1024
    assert ended.returncode == 4, ended.stderr
    assert "RADSTUDY_MAX_DICOM_GB" in ended.stderr + (tmp_path / "out.private" / "skipped.csv").read_text("utf-8")
    assert len(list((tmp_path / "out").glob("*/T2WI.nii.gz"))) == 1
    assert peak_mb < 900, peak_mb


def test_the_bound_can_be_raised_and_lowered(synthetic, imported, roles, tmp_path, monkeypatch):
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4))
    _deflated(synthetic, by_number(files, 4), 8 << 20)
    monkeypatch.setenv("RADSTUDY_MAX_DICOM_GB", "0.004")
    assert imported(tmp_path / "in", dry_run=True).failures
    monkeypatch.setenv("RADSTUDY_MAX_DICOM_GB", "0.1")
    assert list(roles(imported(tmp_path / "in", dry_run=True))) == ["T2WI"]


def test_a_zip_member_that_says_it_is_huge_is_not_unpacked(synthetic, imported, tmp_path, monkeypatch):
    files = synthetic.write(tmp_path / "a", synthetic.t2(slices=4))
    members = [(file.name, file.read_bytes()) for file in files]
    last = by_number(files, 4)
    members = [(name, content + bytes(20 << 20) if name == last.name else content) for name, content in members]
    monkeypatch.setenv("RADSTUDY_MAX_DICOM_GB", "0.01")
    outcome = imported(packed(tmp_path / "a.zip", members))
    assert outcome.failures
    assert not with_role(outcome, "T2WI")


def _compressed(synthetic, folder, syntax):
    files = synthetic.write(folder, synthetic.t2(slices=4, size=(64, 48)))
    for file in files:
        dataset = synthetic.read(file)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(file)
    return files


@pytest.mark.parametrize(("syntax", "says"), [(RLELossless, "run lengths"), (JPEGLSLossless, "its header 60000 x 48")])
def test_a_header_that_asks_for_more_than_the_compressed_image_has_is_refused(
    synthetic, imported, tmp_path, syntax, says
):
    for file in _compressed(synthetic, tmp_path / "in", syntax):
        dataset = synthetic.read(file)
        dataset.Rows = 60000
        dataset.save_as(file)
    outcome = imported(tmp_path / "in")
    assert any(says in failure for failure in outcome.failures), outcome.failures


@pytest.mark.parametrize("change", [lambda runs: runs + b"\x03abcd", lambda runs: runs[:-40]], ids=["more", "fewer"])
def test_run_lengths_that_make_other_than_the_pixels_are_refused(synthetic, imported, tmp_path, change):
    from pydicom.encaps import get_frame

    files = _compressed(synthetic, tmp_path / "in", RLELossless)
    dataset = synthetic.read(files[2])
    dataset.PixelData = encapsulate([change(get_frame(dataset.PixelData, 0, number_of_frames=1))])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(files[2])
    outcome = imported(tmp_path / "in")
    assert any("run lengths decode to" in failure for failure in outcome.failures), outcome.failures


# --- values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slope", "says"), [("1e300", "an image cannot hold"), ("1e-300", "an image cannot hold"),
                                             ("nan", "not a finite number"), ("x", "not a finite number")])  # fmt: skip
def test_a_slope_that_no_image_can_hold_is_an_error(synthetic, imported, tmp_path, slope, says):
    tags = {**synthetic.T2, (0x00281052, "DS"): "-5", (0x00281053, "DS"): "2"}
    files = synthetic.write(tmp_path / "in", synthetic.t2(slices=4, tags=tags))
    synthetic.write(tmp_path / "in", synthetic.dynamic(3))
    raw = files[2].read_bytes()
    value = slope.encode() + b" " * (len(slope) % 2)
    at = raw.index(b"\x28\x00\x53\x10DS")
    files[2].write_bytes(raw[: at + 6] + struct.pack("<H", len(value)) + value + raw[at + 8 + raw[at + 6] :])
    outcome = imported(tmp_path / "in")
    assert any(says in failure for failure in outcome.failures), outcome.failures
    assert not list((tmp_path / "out").glob("*/T2WI.nii.gz"))
    assert len(list((tmp_path / "out").glob("*/DCE*.nii.gz"))) == 3


def test_a_volume_of_which_some_images_are_rescaled_is_refused(synthetic, imported, tmp_path):
    scan = synthetic.t2(slices=4)
    files = synthetic.write(tmp_path / "in", scan)
    for file in files[1:]:
        dataset = synthetic.read(file)
        dataset.RescaleSlope, dataset.RescaleIntercept = 2, 0
        dataset.save_as(file)
    outcome = imported(tmp_path / "in")
    assert any("1 of its 4 images have no RescaleSlope" in failure for failure in outcome.failures)


def test_a_damaged_segmentation_and_structure_set_cost_no_image(synthetic, imported, tmp_path):
    scan = synthetic.t2(slices=4)
    synthetic.write(tmp_path / "in", scan)
    for number, (storage, name) in enumerate(
        [
            ("1.2.840.10008.5.1.4.1.1.66.4", "SegmentSequence"),
            ("1.2.840.10008.5.1.4.1.1.481.3", "StructureSetROISequence"),
        ]
    ):
        dataset = synthetic.instance(scan, scan.volumes[0], 0)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = storage
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        dataset.SeriesInstanceUID, dataset.SeriesNumber = f"1.2.3.4.{number}", 50 + number
        setattr(dataset, name, Sequence([Dataset()]))
        dataset.save_as(tmp_path / "in" / f"drawing{number}.dcm")
    outcome = imported(tmp_path / "in")
    assert len(outcome.failures) == 2, outcome.failures
    assert not any("the program cannot handle it" in failure for failure in outcome.failures)
    assert len(with_role(outcome, "T2WI")) == 1
    assert (tmp_path / "out" / "masks.csv").is_file()
