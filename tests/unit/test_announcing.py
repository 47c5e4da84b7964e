"""Compilation is announced once per command, and what waits for it is done then."""

import pytest

from radstudy import announcing


@pytest.fixture
def command(monkeypatch, tmp_path):
    """A command that asked for the announcement."""
    monkeypatch.setenv(announcing._FOLDER, str(tmp_path))
    monkeypatch.setattr(announcing, "_acts", [])


def test_what_waits_is_done_once_and_by_the_process_that_announces(command, capsys):
    done = []
    announcing.when_compiling(lambda: done.append(1))
    announcing.announce(kept=True)
    announcing.announce(kept=True)
    assert done == [1]
    assert capsys.readouterr().err.count("Compiling") == 1


def test_nothing_is_done_where_compiled_code_is_not_kept_or_another_process_announced(command, tmp_path):
    done = []
    announcing.when_compiling(lambda: done.append(1))
    announcing.announce(kept=False)
    assert done == []
    announcing.announce(kept=True)  # a process of this command has said it
    assert done == []
