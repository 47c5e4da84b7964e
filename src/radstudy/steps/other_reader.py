"""Part of step 6, evaluate: apply the fixed models to the other readers' features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radstudy.artefacts.beside import MOVED, PROBABILITIES
from radstudy.artefacts.evaluate import TABLE3
from radstudy.cohort.rows import ROW
from radstudy.modelling.assessment.other_reader import SETS, in_set, moved_row
from radstudy.modelling.design import design_table
from radstudy.modelling.models import sequences_of
from radstudy.signature.document import read_signature
from radstudy.steps.design import Design, read_design
from radstudy.steps.model import fitted_models, signature_file
from radstudy.steps.run import Run, stacked
from radstudy.table import CLINICAL

STEP = "evaluate/other_reader"


def do_other_reader(run: Run) -> None:
    """Predict every doubly read lesion from the other reader's features, by the unchanged signature; write the shifts.

    Writes ``moved.csv`` and ``probabilities.csv``, both empty if one reader drew everything. Models without a formula
    have no signature, and clinical models have no mask: they are not in these files.
    """
    settings = {"readers": run.protocol.cohort.readers, "interval": run.protocol.evaluate.interval.model_dump()}
    with run.step(STEP, settings=settings, inputs={"evaluate": run.key_of("evaluate")}) as due:
        if due:
            _write(run)


def _write(run: Run) -> None:
    design, fitted = read_design(run), list(fitted_models(run))
    table3 = TABLE3.read(run.out)
    cutoffs = (
        table3[table3["set"] == "training"].set_index("model")["cutoff"] if len(table3) else pd.Series(dtype=float)
    )
    moved: list[dict[str, Any]] = []
    probabilities: list[pd.DataFrame] = []
    for reader in run.protocol.cohort.readers[1:]:
        table = _of_reader(run, design, reader)
        for name in fitted:
            pair = _predicted(run, design, table, name, reader)
            if pair is None or name not in cutoffs.index or np.isnan(cutoffs[name]):  # no mask, or nothing to cut
                continue
            first, other = pair
            for which in SETS:
                one, another = (in_set(name, which, values, design.rows) for values in pair)
                if len(one.y):
                    section = run.protocol.evaluate.interval
                    moved.append(moved_row(one, another, reader, float(cutoffs[name]), section))
            rows = design.rows.loc[first.index, ["set", "outcome"]].reset_index()
            about: dict[str, str | float] = {"model": name, "reader": reader, "cutoff": float(cutoffs[name])}
            probabilities.append(rows.assign(**about, first=first.to_numpy(), other=other.to_numpy()))
    MOVED.write(run.out, moved)
    PROBABILITIES.write(run.out, stacked(probabilities, PROBABILITIES.names))


def _of_reader(run: Run, design: Design, reader: str) -> pd.DataFrame:
    clinical = design.table[[name for name in design.table.columns if str(name).startswith(CLINICAL)]]
    return design_table(design.features, design.reproducible, clinical, reader=reader)


def _predicted(
    run: Run, design: Design, table: pd.DataFrame, name: str, reader: str
) -> tuple[pd.Series, pd.Series] | None:
    """A model's probabilities by the first reader's and the other's features, of the lesions that both drew."""
    sequences = sequences_of(run.protocol, name)
    file = signature_file(run, name)
    if not sequences or not file.exists():
        return None
    form = read_signature(file).form
    read = design.usable[name].copy()
    for sequence in sequences:
        read &= design.rows.index.isin(design.features.of(sequence, reader).index)
    both = read[read].index
    if not len(both):
        return None
    predicted = [pd.Series(form.probability(one.loc[both]), index=both) for one in (design.table, table)]
    known = ~(predicted[0].isna() | predicted[1].isna())
    return predicted[0][known].rename_axis(list(ROW)), predicted[1][known].rename_axis(list(ROW))
