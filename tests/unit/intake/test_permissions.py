"""Who may read what the program writes: as the umask says, and what identifies patients for its owner alone."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from radstudy.errors import UsageError
from radstudy.formats.dicom_header import DicomIdentity
from radstudy.formats.raster import write_raster
from radstudy.intake.limits import Limits
from radstudy.intake.pseudonyms import Pseudonyms
from radstudy.intake.pull import Offered, OfferedSeries, pull
from radstudy.store import write_bytes, write_json
from unit.intake.test_masks import structures

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows keeps no such permissions")


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def open_to_others(folder: Path) -> list[str]:
    """What group or others may read, write or enter."""
    every = [folder, *folder.rglob("*")]
    return [f"{one.relative_to(folder)} {mode(one)}" for one in every if stat.S_IMODE(one.stat().st_mode) & 0o077]


@pytest.fixture
def umask():
    """Set the umask, as a user's shell does; set back after the test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o077, "0600", "0700"), (0o002, "0664", "0775"),
                                                      (0o022, "0644", "0755")])  # fmt: skip
@pytest.mark.parametrize("name", ["a.csv", "a.nii.gz", "a.nhdr"])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path, umask, mask, file, folder, name):
    umask(mask)
    if name == "a.csv":
        write_bytes(tmp_path / "new" / name, b"a\n")
    else:
        write_raster(tmp_path / "new" / name, np.ones((3, 3, 3), np.int16), np.eye(4))
    assert {mode(one) for one in (tmp_path / "new").iterdir()} == {file}
    assert mode(tmp_path / "new") == folder


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, umask):
    umask(0o022)
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.json").chmod(0o640)
    write_json(tmp_path / "a.json", {"b": 1})
    assert mode(tmp_path / "a.json") == "0640"


@pytest.fixture
def appearing(monkeypatch):
    """Name to the permissions of each file at the moment at which it gets its name."""
    seen = {}
    replace = Path.replace

    def watched(self, target):
        seen.setdefault(Path(target).name, mode(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    return seen


def test_key_and_table_of_pseudonyms_are_never_open(tmp_path, umask, appearing):
    umask(0o000)
    table = Pseudonyms(tmp_path / "elsewhere" / "pseudonyms.csv")
    table.of(("123", ""))
    table.save()
    assert appearing == {"pseudonyms.csv.key": "0600", "pseudonyms.csv": "0600"}
    assert open_to_others(tmp_path / "elsewhere") == []


@pytest.fixture
def drawn(synthetic, tmp_path):
    """A source with a volume, a structure set on it and a file that is not DICOM."""
    synthetic.write(tmp_path / "in", synthetic.t2())
    structures(synthetic, synthetic.t2(), tmp_path / "in" / "rt.dcm")
    (tmp_path / "in" / "Doe^Jane.txt").write_text("not DICOM")


def test_an_import_opens_nothing_that_identifies_patients(drawn, imported, tmp_path, umask, appearing):
    umask(0o000)
    imported(tmp_path / "in")
    private = tmp_path / "out.private"
    assert open_to_others(private) == []
    assert len(list((private / "drawings").rglob("*.dcm"))) == 1
    assert {name: kind for name, kind in appearing.items() if (private / name).exists()} == dict.fromkeys(
        (
            "pseudonyms.csv.key",
            "pseudonyms.csv",
            "persons.json",
            "review.json",
            "skipped.csv",
            "failures.json",
            "drawings.json",
        ),
        "0600",
    )


@pytest.mark.parametrize("given", ["empty", "of an import"])
def test_a_private_folder_that_is_open_is_closed_and_that_is_said(drawn, imported, tmp_path, umask, given):
    private = tmp_path / "out.private"
    if given == "empty":
        private.mkdir(mode=0o755)
    else:
        imported(tmp_path / "in")
        (private / "pulled").mkdir(mode=0o755)
        (private / "pulled" / "1.dcm").write_bytes(b"a patient")
        (private / "pseudonyms.csv").chmod(0o644)
        private.chmod(0o755)
    imported(tmp_path / "in")
    assert mode(private) == "0700"
    assert open_to_others(private) == []
    (said,) = [line for line in imported.said if str(private) in line and "open to others" in line]
    assert "identifies patients and was open to others (mode 0755): it is now closed (0700)" in said
    imported(tmp_path / "in")
    assert not any("open to others" in line for line in imported.said)


def test_files_that_an_earlier_version_left_open_are_closed(drawn, imported, tmp_path, umask):
    imported(tmp_path / "in")
    (tmp_path / "out.private" / "review.json").chmod(0o644)
    (tmp_path / "out.private" / "review.json").touch()
    imported(tmp_path / "in")
    assert open_to_others(tmp_path / "out.private") == []
    assert any("1 files and folders" in line and "only their owner can open them now" in line for line in imported.said)


def test_a_folder_that_others_use_is_refused_and_left_as_it_is(drawn, imported, tmp_path, umask):
    private = tmp_path / "out.private"
    private.mkdir(mode=0o755)
    (private / "minutes of our meetings.txt").write_text("for all")
    with pytest.raises(UsageError, match=r"others may open it \(mode 0755\); it also holds minutes of our meetings"):
        imported(tmp_path / "in")
    assert mode(private) == "0755"
    assert [file.name for file in private.iterdir()] == ["minutes of our meetings.txt"]


def test_a_file_system_without_permissions_is_named_once_and_the_import_goes_on(
    drawn, imported, tmp_path, umask, monkeypatch
):
    umask(0o000)
    mkdir = os.mkdir
    monkeypatch.setattr(os, "mkdir", lambda path, *_, **more: mkdir(path, 0o777, **more))

    def refused(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refused)
    told = []
    for _ in range(2):
        outcome = imported(tmp_path / "in")
        assert outcome.failures == ()
        told += [line for line in imported.said if "has no permissions" in line]
    assert len(told) == 1
    assert "To do: make sure that no one else can open it" in told[0]
    assert (tmp_path / "out.private" / "pseudonyms.csv").is_file()


class Archive:
    """A server with one series of two instances."""

    limits = Limits()

    def examinations(self, patient, study):
        identity = DicomIdentity("1", "", "Doe^Jane", "", "1.2", "", "")
        return [Offered(identity, (OfferedSeries("1.2.3", 1, "T2", "MR", 2),))]

    def instances(self, study, series):
        return ["1.2.3.1", "1.2.3.2"]

    def fetch(self, study, series, instances, keep, *, whole):
        for uid in instances:
            keep(uid, _object(study, series, uid))


def _object(study, series, uid):
    """The least that an object of a series says of itself."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = study, series, "MR"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    memory = io.BytesIO()
    dataset.save_as(memory, enforce_file_format=True)
    return memory.getvalue()


@pytest.mark.parametrize("there", [True, False])
def test_what_is_pulled_is_for_its_owner_alone(tmp_path, umask, appearing, there):
    umask(0o000)
    if there:
        (tmp_path / "private").mkdir(mode=0o755)
    said = []
    pull(Archive(), tmp_path / "private", say=said.append)
    assert open_to_others(tmp_path / "private") == []
    assert sum(name.endswith(".dcm") for name in appearing) == 2
    assert set(appearing.values()) == {"0600"}
    assert any("is now closed" in line for line in said) == there
