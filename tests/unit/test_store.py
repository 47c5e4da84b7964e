"""What is written is there whole, and what is kept of finished work comes back for its own key only."""

import os

from radstudy.kept import keep, kept, read_kept
from radstudy.store import remove_parts, write_text


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
