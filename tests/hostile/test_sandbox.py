"""What the sandbox leaves behind: nothing."""

import os

from hostile.kinds import KINDS, load_kinds
from hostile.sandbox import Sandbox


def test_temporary_files_of_forks_lie_in_the_sandbox_and_go_with_it(tmp_path, monkeypatch):
    """Forks end without the program's own clearing up: a long fuzz run once left 88,000 folders behind."""
    load_kinds()
    temporary, given = tmp_path / "temporary", tmp_path / "given"
    for folder in (temporary, given):
        folder.mkdir()
    [(name, good)] = KINDS["csv"].examples().items()
    (given / name).write_bytes(good)
    monkeypatch.setenv("TMPDIR", os.fspath(temporary))
    with Sandbox() as sandbox:
        assert [outcome.ending for outcome in sandbox.run_all("csv", [given / name] * 2)] == ["ok", "ok"]
        [own] = temporary.iterdir()
        assert list((own / "temporary").iterdir()) == []
    assert list(temporary.iterdir()) == []
