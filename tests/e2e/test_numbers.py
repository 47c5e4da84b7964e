"""Every number of a report cites the cells that it comes from, and a changed cell is found."""

import csv
import random

import pandas as pd
import pytest
from docx import Document

from e2e.uncited import uncited
from radstudy.report.cited.check import check_numbers
from radstudy.report.cited.expression import row_numbers
from radstudy.report.cited.listing import NUMBERS_FILE


def listed(run):
    return pd.read_csv(run / NUMBERS_FILE, dtype=str, keep_default_na=False)


def test_the_numbers_of_a_report_are_those_of_their_cells(demo):
    assert check_numbers(demo) == []
    numbers = listed(demo)
    assert numbers["number"].nunique() > 2000
    assert {"evaluate/table3.csv", "cohort/rows.csv", "report/settings.json", "model/models.json"} <= set(
        numbers["file"]
    )


def test_the_word_tables_print_the_listed_numbers(demo):
    numbers = listed(demo).drop_duplicates("number")
    places = numbers["where"].str.extract(r"^(report/tables/\w+\.docx), row (\d+), cell (\d+)$")
    tables = {name: Document(demo / name).tables[0] for name in places[0].dropna().unique()}
    texts = {name: [[cell.text for cell in row.cells] for row in table.rows] for name, table in tables.items()}
    placed = zip(numbers["shown"], places[0], places[1], strict=True)
    own = [(shown, texts[name][int(row) - 1]) for shown, name, row in placed if isinstance(name, str)]
    assert len(own) > 1000
    assert [shown for shown, cells in own if not any(shown in text for text in cells)] == []


def mutated(text):
    """Another content of a cell: another number, or another text."""
    try:
        return repr(1.5 * float(text) + 1)
    except ValueError:
        return f"{text}x"


def mutate(file, number, column):
    """Change one cell of a CSV file; the first row below the header is number 1."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    place = rows[0].index(column)
    rows[number][place] = mutated(rows[number][place])
    with file.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def missed(run, count, seed):
    """The cited cells of CSV files, out of `count` chosen at random and changed one by one, that the check missed."""
    numbers = listed(run)
    cited = numbers[numbers["file"].str.endswith(".csv")].reset_index(drop=True)
    chance, unseen = random.Random(seed), []
    for _ in range(count):
        row = cited.iloc[chance.randrange(len(cited))]
        file, number = run / row["file"], chance.choice(row_numbers(row["row"]))
        before = file.read_bytes()
        mutate(file, number, row["column"])
        if not any(row["file"] in problem.cited for problem in check_numbers(run)):
            unseen.append((row["file"], number, row["column"]))
        file.write_bytes(before)
    return unseen


def test_changed_cells_are_found(demo_copy):
    assert missed(demo_copy, 8, seed=1) == []
    assert check_numbers(demo_copy) == []


@pytest.mark.long
def test_two_hundred_changed_cells_are_found(demo_copy):
    assert missed(demo_copy, 200, seed=2026) == []


def test_every_number_of_the_page_has_a_source_or_is_a_known_literal(demo):
    assert uncited(demo) == []
