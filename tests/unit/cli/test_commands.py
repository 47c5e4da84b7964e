"""What is declared of every command is true: a wrong call, its page, README, and what a full disk does to it."""

import re
import sys
from pathlib import Path

import pytest

from radstudy.cli import commands as package
from radstudy.cli import main
from radstudy.cli.commands import COMMANDS, GROUPS
from unit.full_disk import CALLS

ROOT = Path(__file__).parents[3]
every_command = pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])


def test_every_file_of_a_command_is_one_and_names_are_there_once():
    files = {file.stem for file in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {command.function.__module__.rpartition(".")[2] for command in COMMANDS}
    assert len({command.name for command in COMMANDS}) == len(files)
    assert {command.group for command in COMMANDS} - {""} == set(GROUPS)


@every_command
def test_a_wrong_call_ends_with_2_and_says_what_is_wrong(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["radstudy", *command.name.split(), *command.wrong])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert command.says in printed.err and not printed.out
    assert not list(tmp_path.iterdir())


@every_command
def test_its_page_and_readme_tell_of_it(command):
    call = re.compile(rf"radstudy {re.escape(command.name)}\b")
    assert call.search((ROOT / "docs" / command.page).read_text(encoding="utf-8"))
    group = re.compile(rf"radstudy {command.name.split()[0]}\b")
    assert group.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert command.function.__doc__


@every_command
def test_a_command_that_writes_has_a_case_of_a_full_disk(command):
    cases = [arguments for arguments in CALLS.values() if " ".join(arguments).startswith(command.name)]
    elsewhere = command.name in (
        "upgrade",
        "unseal",
    )  # test_upgrade.py and test_sealing.py make their case, and fill it
    assert bool(cases) == (command.writes and not elsewhere)
