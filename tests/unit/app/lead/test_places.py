import pytest

from radstudy.app.lead.places import listed
from radstudy.errors import UsageError


def test_folders_are_listed_and_files_of_a_kind_if_wanted(tmp_path):
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("t.csv", "T.XLSX", "image.dcm"):
        (tmp_path / name).write_text("x")
    here = listed("", start=tmp_path)
    assert (here["folders"], here["files"], here["entries"]) == (["a", "b"], [], 6)
    assert listed(str(tmp_path / "t.csv"), start=tmp_path, files=(".csv", ".xlsx"))["files"] == ["t.csv", "T.XLSX"]
    assert here["parent"] == str(tmp_path.parent)
    with pytest.raises(UsageError, match="cannot be opened"):
        listed(str(tmp_path / "nothing"), start=tmp_path)
