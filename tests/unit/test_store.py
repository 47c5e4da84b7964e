"""What is written is there whole, and what is kept of finished work comes back for its own key only."""

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from radstudy import store
from radstudy.errors import StorageError
from radstudy.kept import keep, kept, read_kept
from radstudy.store import ignores_case, remove_parts, set_aside, write_text


def test_a_record_comes_back_under_its_key_and_under_no_other(tmp_path):
    file = tmp_path / "volumes" / "1.json"
    assert kept(file, "a") is None
    written = keep(file, "a", {"lesions": [1, 2]}, compact=True)
    assert kept(file, "a") == written == {"key": "a", "lesions": [1, 2]}
    assert kept(file, "b") is None
    assert keep(file, "b", {"lesions": []}) == read_kept(file) == kept(file, "b")
    assert kept(file, "a") is None


def test_parts_of_a_killed_program_are_removed_and_those_of_a_living_one_stay(tmp_path):
    write_text(tmp_path / "a" / "whole.txt", "whole")
    for name in (".part-old", ".part-new"):
        (tmp_path / "a" / name).mkdir()
        (tmp_path / "a" / name / "whole.txt").write_text("who")
    hours_ago = (tmp_path / "a" / ".part-new").stat().st_mtime - 7200
    os.utime(tmp_path / "a" / ".part-old", (hours_ago, hours_ago))
    remove_parts(tmp_path)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [".part-new", "whole.txt"]
    remove_parts(tmp_path / "not there")


@pytest.fixture
def windows(monkeypatch):
    """The branches of Windows, on this system."""
    monkeypatch.setattr(store, "os", SimpleNamespace(**{**vars(os), "name": "nt"}))
    monkeypatch.setattr(store, "_WAITS_S", (0.0, 0.0, 0.0))


def _held_open(monkeypatch, times):
    """Let `replace` fail as Windows does while a program has the file open."""
    real, left = Path.replace, [times]

    def replace(self, target):
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "Access is denied", str(self), 5, str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_a_file_that_a_scanner_has_open_for_a_moment_is_replaced(tmp_path, monkeypatch, windows):
    write_text(tmp_path / "table1.csv", "before")
    _held_open(monkeypatch, times=3)
    write_text(tmp_path / "table1.csv", "after")
    assert (tmp_path / "table1.csv").read_text() == "after"
    _held_open(monkeypatch, times=2)
    assert set_aside(tmp_path / "table1.csv").name == "table1.kept-1.csv"


def test_a_file_that_excel_has_open_is_a_clear_error_and_stays(tmp_path, monkeypatch, windows):
    write_text(tmp_path / "table1.csv", "before")
    _held_open(monkeypatch, times=99)
    with pytest.raises(StorageError, match=r"table1\.csv cannot be written: Access is denied \(if another program has"):
        write_text(tmp_path / "table1.csv", "after")
    assert [path.name for path in tmp_path.iterdir()] == ["table1.csv"]
    assert (tmp_path / "table1.csv").read_text() == "before"


def test_elsewhere_a_closed_folder_is_no_reason_to_try_again(tmp_path, monkeypatch):
    _held_open(monkeypatch, times=1)
    with pytest.raises(StorageError, match="Access is denied\\. To do"):
        write_text(tmp_path / "table1.csv", "after")


def test_on_windows_a_shared_file_has_its_folders_access_list_and_a_private_one_its_own(tmp_path, monkeypatch, windows):
    """An access list is that of the folder in which a file was created: 0700 is the owner's alone."""
    modes = []
    monkeypatch.setattr(store, "take_name", lambda part, final: modes.append(part.parent.stat().st_mode & 0o777))
    write_text(tmp_path / "shared.csv", "")
    write_text(tmp_path / "private.csv", "", private=True)
    assert modes[0] & 0o055 and modes[1] == 0o700


def test_a_path_that_is_too_long_for_windows_is_told_as_such(tmp_path, windows):
    said = r"No such file \(the path has \d{3} characters; .* Windows takes 260"
    with pytest.raises(StorageError, match=said), store.storing(tmp_path / ("x" * 250)):
        raise FileNotFoundError(errno.ENOENT, "No such file")
    with pytest.raises(StorageError, match=r"No such file\. To do"), store.storing(Path("short")):
        raise FileNotFoundError(errno.ENOENT, "No such file")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems ignore capitals indeed")
def test_a_folder_that_ignores_capitals_is_noticed(tmp_path, monkeypatch):
    assert not ignores_case(tmp_path)
    monkeypatch.setattr(
        Path, "exists", lambda self: any(self.name.lower() == one.name.lower() for one in tmp_path.iterdir())
    )
    assert ignores_case(tmp_path)
    assert not list(tmp_path.iterdir())
