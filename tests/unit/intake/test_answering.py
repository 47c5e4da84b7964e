"""Answers that pages give: checked, none lost, none overwritten in silence, and the table whole whatever happens."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from radstudy.errors import UsageError
from radstudy.intake.answering import AnswerChange, answers_now, give_answers
from radstudy.intake.csv_rows import read_rows
from radstudy.intake.review import XLSX, read_answers, write_review
from radstudy.working import only_run

KEYS = [f"v{number:016x}" for number in range(40)]
MASK = "m" + "f" * 16


@pytest.fixture
def folders(tmp_path):
    """An import's review tables with forty volumes and one mask, and its private folder."""
    out, private = tmp_path / "out", tmp_path / "out.private"
    rows = [{"patient": f"P{number}", "file": f"P{number}/unsure/1.nii.gz", "kind": "T2WI", "volume": key}
            for number, key in enumerate(KEYS)]  # fmt: skip
    write_review([*rows, {"patient": "P0", "kind": "mask", "reason": "who?", "volume": MASK}], out, private)
    return out, private


def give(folders, key, to, was=""):
    return give_answers(*folders, [AnswerChange(key, to, was)])


def answers(folders):
    return {one["volume"]: one["role"] or one["reader"] for one in read_rows(folders[0] / "review.csv")}


def in_excel(folders, key, role):
    """Answer in review.xlsx, as a person does."""
    book = openpyxl.load_workbook(folders[0] / XLSX)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    for line in range(2, sheet.max_row + 1):
        if sheet.cell(line, names.index("volume") + 1).value == key:
            sheet.cell(line, names.index("role") + 1).value = role
    book.save(folders[0] / XLSX)


def test_an_answer_stands_at_once_and_the_import_reads_it(folders):
    assert give(folders, KEYS[0], "T2WI").changed == {KEYS[0]: ""}
    assert give(folders, MASK, "anna").changed == {MASK: ""}
    read = read_answers(*folders)
    assert read.roles == {KEYS[0][1:]: "T2WI"}
    assert read.readers == {MASK[1:]: "anna"}
    assert give(folders, KEYS[0], "", "T2WI").changed == {KEYS[0]: "T2WI"}
    assert give(folders, MASK, "-", "anna").changed == {MASK: "anna"}
    assert not read_answers(*folders).roles
    assert read_answers(*folders).readers == {MASK[1:]: "-"}


@pytest.mark.parametrize(
    ("key", "to", "says"),
    [
        (KEYS[1], "t2wi", "the role 't2wi' is not known. Did you mean T2WI?"),
        (KEYS[1], "T2 axial", "cannot be used"),
        (KEYS[1], "T2WI_SAG", "several spellings"),
        (MASK, "Dr Lee", "reader 'Dr Lee' cannot be used"),
        ("v" + "9" * 16, "T2WI", "no longer asked"),
        ("1.2E+15", "T2WI", "not the key"),
    ],
)
def test_an_answer_that_the_import_would_refuse_is_refused_with_the_reason(folders, key, to, says):
    give(folders, KEYS[0], "T2WI_sag")
    before = (folders[0] / "review.csv").read_bytes()
    given = give(folders, key, to)
    assert not given.changed
    assert says in given.refused[key]
    assert "row " not in given.refused[key]
    assert (folders[0] / "review.csv").read_bytes() == before


def test_an_answer_that_another_tab_has_given_is_not_overwritten(folders):
    give(folders, KEYS[0], "T2WI")
    given = give_answers(*folders, [AnswerChange(KEYS[0], "-", ""), AnswerChange(KEYS[1], "-", "")])
    assert "meanwhile" in given.refused[KEYS[0]] and "'T2WI'" in given.refused[KEYS[0]]
    assert given.changed == {KEYS[1]: ""}
    assert (answers(folders)[KEYS[0]], answers(folders)[KEYS[1]]) == ("T2WI", "-")
    assert give(folders, KEYS[0], "T2WI").changed  # both said the same


def test_columns_and_remarks_of_the_user_stay(folders):
    file = folders[0] / "review.csv"
    rows = pd.read_csv(file, dtype=str, keep_default_na=False).assign(remark="=look again")
    rows.to_csv(file, index=False, sep=";")
    give(folders, KEYS[3], "T2WI")
    kept = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert list(kept.columns) == list(rows.columns)
    assert set(read_rows(file)[3]["remark"]) == set("=look again")


def test_an_answer_in_excel_counts_and_a_later_one_on_the_page_takes_its_place_in_both(folders):
    in_excel(folders, KEYS[0], "T2WI")
    in_excel(folders, KEYS[1], "T1WI")
    assert {mark: one.answer for mark, one in answers_now(*folders).items() if one.answer} == {
        KEYS[0][1:]: "T2WI", KEYS[1][1:]: "T1WI",
    }  # fmt: skip
    assert "meanwhile" in give(folders, KEYS[0], "-").refused[KEYS[0]]
    assert give(folders, KEYS[0], "-", "T2WI").changed == {KEYS[0]: "T2WI"}
    read = read_answers(*folders)  # which refuses tables that contradict each other
    assert read.roles == {KEYS[0][1:]: "-", KEYS[1][1:]: "T1WI"}


def test_tables_that_disagree_are_settled_by_answering(folders):
    give(folders, KEYS[0], "T2WI")
    in_excel(folders, KEYS[0], "T1WI")
    assert answers_now(*folders)[KEYS[0][1:]].disputed == "T1WI"
    with pytest.raises(UsageError, match=r"but review\.xlsx"):
        read_answers(*folders)
    give(folders, KEYS[0], "T1WI", "T2WI")
    assert read_answers(*folders).roles == {KEYS[0][1:]: "T1WI"}


def test_two_who_answer_at_once_lose_nothing(folders):
    def work(keys):
        for key in keys:
            assert give(folders, key, "T2WI").changed

    threads = [threading.Thread(target=work, args=(KEYS[first::2],)) for first in (0, 1)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(answers(folders)[key] == "T2WI" for key in KEYS)


def test_nothing_is_answered_while_an_import_works_since_it_would_not_see_it(folders, monkeypatch):
    monkeypatch.setattr("radstudy.intake.answering._PATIENCE_S", 0.05)
    with only_run(folders[0]), pytest.raises(UsageError, match="an import works in this folder"):
        give(folders, KEYS[0], "T2WI")
    assert give(folders, KEYS[0], "T2WI").changed


_ENDLESS = """
import sys
from pathlib import Path
from radstudy.intake.answering import AnswerChange, answers_now, give_answers
out, private = map(Path, sys.argv[1:3])
print("ready", flush=True)
was = {mark: one.answer for mark, one in answers_now(out, private).items()}
for turn in range(10**6):
    for mark in sorted(was):
        if not mark.startswith("f"):
            to = f"own{turn % 7}"
            give_answers(out, private, [AnswerChange("v" + mark, to, was[mark])])
            was[mark] = to
            print("v" + mark, to, flush=True)
"""


def killed_while_answering(folders, delay_s):
    """Answer in a process that is killed: the table is whole, and every answer that was confirmed is in it."""
    source = Path(__file__).resolve().parents[3] / "src"
    process = subprocess.Popen([sys.executable, "-c", _ENDLESS, *map(str, folders)], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(source)})  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    told, _ = process.communicate()
    confirmed = dict(line.split() for line in told.splitlines()[:-1] if len(line.split()) == 2)
    rows = read_rows(folders[0] / "review.csv")
    assert [row["volume"] for row in rows] == [*KEYS, MASK]
    behind = [key for key, to in confirmed.items() if answers(folders)[key] != to]
    assert len(behind) <= 1  # the one that was being written again
    give(folders, KEYS[0], "", answers(folders)[KEYS[0]])  # the lock is free
    give(folders, KEYS[0], "own0")


def test_the_table_is_whole_when_the_server_is_killed(folders):
    for delay_s in (0.05, 0.2):
        killed_while_answering(folders, delay_s)


@pytest.mark.long
def test_the_table_is_whole_when_the_server_is_killed_fifty_times(folders):
    for number in range(50):
        killed_while_answering(folders, 0.01 + number * 0.009)
