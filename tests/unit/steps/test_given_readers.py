"""A study that begins at a table of features: copied rows of two readers, and identifiers that do not match."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from radstudy.cli import app

STUDY = """
study: given
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  readers: READERS
sequences: [T2, DWI]
features: {table: features.csv, patient: id, reader: who, sequence: sequence}
model: {select: [{impute: median}, {standardise: zscore}, {boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""
NAMES = [f"original_firstorder_F{number}" for number in range(6)]


@pytest.fixture
def table(tmp_path):
    """Eight patients, read twice on two sequences."""
    rng = np.random.default_rng(0)
    rows = [
        {"id": f"P{number}", "sequence": sequence, "who": reader, **dict(zip(NAMES, rng.normal(size=6), strict=True))}
        for number in range(8)
        for sequence in ("T2", "DWI")
        for reader in ("a", "b")
    ]
    sets = ["training"] * 4 + ["testing"] * 4
    cohort = pd.DataFrame({"id": [f"P{number}" for number in range(8)], "y": [0, 1] * 4, "set": sets})
    cohort.to_csv(tmp_path / "cohort.csv", index=False)
    return pd.DataFrame(rows)


def cohort(folder, table, readers="[a, b]"):
    table.to_csv(folder / "features.csv", index=False)
    (folder / "study.yaml").write_text(STUDY.replace("READERS", readers), encoding="utf-8")
    result = CliRunner().invoke(app, ["run", str(folder / "study.yaml"), "--step", "cohort"])
    return getattr(result.exception, "exit_code", result.exit_code), result.output + str(result.exception or "")


def test_a_sound_table_passes(table, tmp_path):
    assert cohort(tmp_path, table)[0] == 0


def test_rows_copied_from_one_reader_to_the_other_stop(table, tmp_path):
    other = table["who"] == "b"
    table.loc[other & (table["id"] < "P3"), NAMES] = table.loc[
        (table["who"] == "a") & (table["id"] < "P3"), NAMES
    ].to_numpy()
    code, said = cohort(tmp_path, table)
    assert code == 4
    assert "a and b have the same features (6 of the 16 rows that both have)" in said


def test_rows_copied_from_one_sequence_to_the_other_stop(table, tmp_path):
    table.loc[table["sequence"] == "DWI", NAMES] = table.loc[table["sequence"] == "T2", NAMES].to_numpy()
    code, said = cohort(tmp_path, table)
    assert code == 4 and "T2 and DWI have the same features (8 of the 8 rows" in said


def test_a_second_reader_without_rows_stops(table, tmp_path):
    code, said = cohort(tmp_path, table[(table["who"] == "a") | (table["id"] == "P0")])
    assert code == 4
    assert "Rows by a and b: 1 lesion on T2 and DWI; an ICC needs at least 3" in said
    assert "no radiomics feature of T2 or DWI enters any model" in said


def test_readers_of_a_table_may_be_a_mapping(table, tmp_path):
    code, said = cohort(tmp_path, table, "{Dr Li: a, Dr Wu: b}")
    assert code == 0, said


def test_identifiers_that_do_not_match_show_one_of_each_file(table, tmp_path):
    code, said = cohort(tmp_path, table.assign(id="SYN-" + table["id"]))
    assert code == 4
    assert "the cohort table, cohort.csv, has, for instance, patient 'P0'" in said
    assert "the feature table, features.csv, has, for instance, patient 'SYN-P0'" in said


def test_scores_that_agree_are_no_copies(table, tmp_path):
    table[NAMES] = np.random.default_rng(1).integers(0, 2, (len(table), len(NAMES)))
    table.loc[table["id"] < "P4", NAMES] = 1
    code, said = cohort(tmp_path, table)
    assert code == 0, said
