"""Step 3 of a study that begins at a feature table: read it instead of computing the features."""

from __future__ import annotations

import numpy as np
import pandas as pd

from radstudy.artefacts.extract import COLUMNS, FAILURES, FEATURES, IDENTICAL, MISSING, SUMMARY
from radstudy.cohort.feature_table import GivenFeatures, read_feature_table
from radstudy.protocol.sections import Features
from radstudy.steps.cohort import read_rows
from radstudy.steps.run import Run, write_failures
from radstudy.store import file_hash
from radstudy.table import FeatureTable

STEP = "extract"


def do_feature_table(run: Run) -> None:
    """Write the given features of the cohort's lesions in the form that the later steps read."""
    section = run.protocol.features
    if section is None:
        raise AssertionError("the study does not begin at a feature table")
    settings = section.model_dump(mode="json")
    read = {run.data / file: file_hash(run.data / file) for file in section.files()}
    inputs = {file: run.hash_of(run.data / file) for file in section.files()} | {"cohort": run.key_of("cohort")}
    with run.step(STEP, settings=settings, inputs=inputs, tables=read) as due:
        if due:
            _write(run, section, read_feature_table(run.protocol, run.data))


def _write(run: Run, section: Features, given: GivenFeatures) -> None:
    frame = given.table.frame
    table = FeatureTable(frame[given.table.lesions.isin(read_rows(run).index)])
    table.write(FEATURES.file(run.out))
    COLUMNS.write(run.out, given.columns)
    MISSING.write(run.out, _missing(table, given))
    IDENTICAL.write(run.out, identical_rows(table))
    write_failures(FAILURES.file(run.out), [])
    counts = {sequence: len(given.of(sequence)) for sequence in run.protocol.sequences}
    listed = ", ".join(f"{count} of {sequence}" for sequence, count in counts.items())
    SUMMARY.write(
        run.out,
        {
            "features": max(counts.values()),
            "explained": f"{listed}; read from {', '.join(section.files())}, not computed here",
            "settings": section.model_dump(mode="json"),
            "of_sequence": counts,
        },
    )


def _missing(table: FeatureTable, given: GivenFeatures) -> pd.DataFrame:
    """Every empty cell of a lesion's row."""
    parts = []
    for sequence, group in given.columns.groupby("sequence", sort=False):
        chosen = table.frame.index.get_level_values("sequence") == sequence
        rows = table.frame.loc[chosen, list(group["feature"])]
        row, column = np.nonzero(rows.isna().to_numpy())
        part = rows.index[row].to_frame(index=False)
        parts.append(part.assign(feature=rows.columns[column], reason="empty in the feature table"))
    return pd.concat(parts, ignore_index=True)


def identical_rows(table: FeatureTable) -> pd.DataFrame:
    """Lesions of one sequence whose features are all the same; most often a file was copied under two names."""
    frame = table.frame
    hashes = pd.util.hash_pandas_object(frame, index=False).rename("hash").reset_index()
    twice = hashes[hashes.duplicated(["sequence", "hash"], keep=False)].sort_values(["sequence", "hash"])
    group = twice.groupby(["sequence", "hash"], sort=False).ngroup() + 1
    return twice.assign(group=group)[IDENTICAL.names]
