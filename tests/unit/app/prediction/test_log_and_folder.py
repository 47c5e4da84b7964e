"""The audit log and the folder of uploads: whose they are, and what is left of a server that was killed."""

import json
import os
import tempfile

import pytest
from filelock import FileLock

from radstudy.app.prediction import audit
from radstudy.app.prediction.answers import Wording
from radstudy.app.prediction.audit import AuditedRequest, AuditLog, default_audit_file
from radstudy.app.prediction.uploads import _ending, _safe_stem, upload_folder, upload_root
from radstudy.errors import StorageError, UsageError
from radstudy.store import append_line


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_of_uploads_is_the_owners_and_ends_with_the_server(temporary):
    with upload_root() as root:
        assert root.stat().st_mode & 0o777 == 0o700
        with pytest.raises(RuntimeError), upload_folder(root) as folder:
            (folder / "image").write_bytes(b"x")
            raise RuntimeError
        assert not folder.exists()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_server_has_left_is_removed_and_what_a_living_one_uses_is_not(temporary):
    for name in ("radstudy-serve-killed", "radstudy-serve-alive", "radstudy-serve-strange"):
        (temporary / name / "0").mkdir(parents=True)
        (temporary / name / "0" / "image.nii").write_bytes(b"x")
    for name in ("killed", "alive"):
        (temporary / f"radstudy-serve-{name}" / ".lock").touch()
    (temporary / "radstudy-serve-link").symlink_to(temporary / "elsewhere")
    (temporary / "elsewhere").mkdir()
    (temporary / "elsewhere" / ".lock").touch()
    with FileLock(str(temporary / "radstudy-serve-alive" / ".lock")), upload_root():
        left = {path.name for path in temporary.iterdir()}
    assert "radstudy-serve-killed" not in left
    assert {"radstudy-serve-alive", "radstudy-serve-strange", "elsewhere"} <= left
    assert (temporary / "elsewhere" / ".lock").exists()


@pytest.mark.parametrize(("name", "stem"), [
    ("DCE7.nii.gz", "file-DCE7"), ("../../etc/passwd", "file-passwd"), ("C:\\a\\CON.nii", "file-CON"), ("", "file-"),
    ("..", "file-"), ("a\0b.mha", "file-a_b"), ("x" * 300 + ".nrrd", "file-" + "x" * 60), ("m.seg.nrrd", "file-m.seg"),
    ("Müller.dcm", "file-M_ller"),
])  # fmt: skip
def test_a_name_keeps_only_letters_that_every_system_allows(name, stem):
    assert _safe_stem(name) == stem


def test_a_type_is_told_by_the_content():
    assert _ending(b"\x1f\x8b\x08", mask=False) == ".nii.gz"
    assert _ending(b"\x5c\x01\0\0" + bytes(348), mask=False) == ".nii"
    assert _ending(b"\0\0\x01\x5c" + bytes(348), mask=False) == ".nii"
    assert _ending(b"NRRD0005\n", mask=True) == ".nrrd"
    assert _ending(b"NDims = 3\n", mask=True) == ".mha"
    dicom = bytes(128) + b"DICM"
    assert (_ending(dicom, mask=True), _ending(dicom, mask=False)) == (".dcm", "")
    for other in (b"", b"PK\x03\x04", b"\x89PNG", b"%PDF-1.4", b"<html>"):
        assert _ending(other, mask=True) == ""


def test_the_log_is_appended_and_its_owners(tmp_path):
    file = tmp_path / "new" / "audit.jsonl"
    log = AuditLog.opened(file, "abc")
    log.add(AuditedRequest("1", "start"))
    log.add(AuditedRequest("2", "values", 200, "predicted", 0.12345))
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["kind"], second["seconds"], second["signature"]) == ("start", 0.123, "abc")
    AuditLog.opened(file, "other").add(AuditedRequest("3", "start"))
    assert len(file.read_text().splitlines()) == 3


@pytest.mark.parametrize("content", [b"my notes\n", b'{"age": 3}\n', b"[]", b"\xff\xfe"])
def test_another_file_is_not_appended_to(tmp_path, content):
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(UsageError, match="not an audit log"):
        AuditLog.opened(tmp_path / "notes.txt", "abc")
    assert (tmp_path / "notes.txt").read_bytes() == content
    with pytest.raises(UsageError, match="not an audit log"):
        AuditLog.opened(tmp_path, "abc")


def test_a_line_is_whole_or_not_there(tmp_path, monkeypatch):
    file = tmp_path / "log"
    append_line(file, "first")
    true_write = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: true_write(handle, content[:3]))
    with pytest.raises(StorageError, match="log cannot be written"):
        append_line(file, "second")
    with pytest.raises(StorageError):
        append_line(tmp_path / "new", "first")
    monkeypatch.undo()
    assert file.read_text() == "first\n" and not (tmp_path / "new").exists()


def test_the_log_is_in_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(audit.sys, "platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_audit_file() == tmp_path / "radstudy" / "serve_audit.jsonl"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_audit_file() == tmp_path / ".local" / "state" / "radstudy" / "serve_audit.jsonl"


def test_a_message_names_fields_and_no_folder(tmp_path):
    file = tmp_path / "0" / "file-DWI.nii.gz"
    said = Wording({file: "image:DWI"}, [tmp_path]).said
    assert said(f"--image DWI={file}: the file's name says T2") == "image:DWI: the file's name says T2"
    assert said("--clinical age=VALUE is missing") == "clinical:age is missing"
    assert said(f"'{tmp_path}/0/other.raw' does not exist") == "'...' does not exist"
    assert said("radstudy mask convert MASK NEW --image IMAGE") == "radstudy mask convert MASK NEW --image IMAGE"
