"""Step 4, agree: find the features that two readers reproduce, and measure how well they agree otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from radstudy.artefacts import agree, extract
from radstudy.artefacts.reading import ANSWERS
from radstudy.cohort.reading import read_answers, reading_folder
from radstudy.modelling.agreement import reproducibility, reproducible_columns
from radstudy.protocol import Protocol
from radstudy.steps.cohort import read_rows
from radstudy.steps.extract import read_features
from radstudy.steps.reader_agreement import compared_answers, kappa_table, mask_table
from radstudy.steps.run import Run
from radstudy.steps.transfer import transferred_lesions
from radstudy.store import content_hash, file_hash
from radstudy.table import FeatureTable

STEP = "agree"


def settings_of(protocol: Protocol) -> dict[str, Any]:
    """The settings that this step depends on."""
    return {"agree": protocol.agree.model_dump(mode="json"), "readers": protocol.cohort.readers}


def do_agree(run: Run) -> None:
    """Compute the ICC of every feature on the doubly read lesions, and keep those above the bound."""
    section = run.protocol.agree.icc
    inputs = {"extract": run.key_of("extract")}
    if section is not None and section.patients == "training":
        inputs["training rows"] = content_hash(sorted(map(list, _training(run))))
    tables = {}
    if run.protocol.agree.kappa:
        table = run.data / run.protocol.cohort.table
        tables[table], inputs["table"] = file_hash(table), run.hash_of(table)
    answers = reading_folder(run.protocol, run.data) / ANSWERS.path
    if answers.is_file():
        tables[answers] = file_hash(answers)
        inputs["answers"] = content_hash(compared_answers(run.protocol, read_answers(run.protocol, run.data)))
    with run.step(STEP, settings=settings_of(run.protocol), inputs=inputs, tables=tables) as due:
        if due:
            _agree(run)


def _agree(run: Run) -> None:
    table = _drawn(run, read_features(run))
    section, readers = run.protocol.agree.icc, run.protocol.cohort.readers
    known = _features_of(run, table)
    if section is None or len(readers) < 2:
        why = "the protocol sets none" if section is None else "there is one reader"
        agreement = _all_kept(known)
        note = f"No reproducibility filter: {why}; all features are used."
    else:
        rows = _training(run) if section.patients == "training" else table.lesions.unique()
        agreement = reproducibility(
            table, section, sequences=run.protocol.sequences, readers=readers, rows=rows
        )  # fmt: skip
        pairs = pd.MultiIndex.from_frame(agreement[["sequence", "feature"]])
        agreement = agreement[pairs.isin([(s, f) for s, features in known.items() for f in features])]
        note = ""
    agree.ICC.write(run.out, agreement)
    agree.MASKS.write(run.out, mask_table(run))
    agree.KAPPA.write(run.out, kappa_table(run))
    agree.SUMMARY.write(run.out, _summary(run, agreement, known, note))


def _drawn(run: Run, table: FeatureTable) -> FeatureTable:
    """The features without those of transferred masks, which show no agreement because no reader drew them."""
    transferred = transferred_lesions(run.out)
    if not transferred:
        return table
    return FeatureTable(table.frame[~table.frame.index.isin(transferred)])


def _training(run: Run) -> pd.Index:
    rows = read_rows(run)
    return rows.index[rows["set"] == "training"]


def _features_of(run: Run, table: FeatureTable) -> dict[str, list[str]]:
    """Sequence to its features: all of them, unless a given table has different ones for each sequence."""
    if run.protocol.features is None:
        return dict.fromkeys(run.protocol.sequences, table.features)
    given = extract.COLUMNS.read(run.out)
    return {name: list(given.loc[given["sequence"] == name, "feature"]) for name in run.protocol.sequences}


def _all_kept(known: Mapping[str, list[str]]) -> pd.DataFrame:
    rows = [(sequence, feature) for sequence, features in known.items() for feature in features]
    frame = pd.DataFrame(rows, columns=["sequence", "feature"])
    return frame.assign(icc=float("nan"), ci_low=float("nan"), ci_high=float("nan"), lesions=0, kept=True)


def _summary(run: Run, agreement: pd.DataFrame, known: Mapping[str, list[str]], note: str) -> dict[str, Any]:
    section = run.protocol.agree.icc
    per_sequence = agreement.groupby("sequence", sort=False)
    return {
        "form": section.form if section else None,
        "above": section.above if section else None,
        "by": section.by if section else None,
        "patients": section.patients if section else None,
        "readers": list(run.protocol.cohort.readers),
        "lesions": {str(name): int(part["lesions"].max()) for name, part in per_sequence},
        "kept": {str(name): int(part["kept"].sum()) for name, part in per_sequence},
        "of": max(map(len, known.values())),
        "of_sequence": {name: len(features) for name, features in known.items()},
        "note": note,
    }


def read_reproducible(run: Run) -> dict[str, list[str]]:
    """Sequence to the names of its reproducible features."""
    agreement = agree.ICC.read(run.out)
    return {sequence: reproducible_columns(agreement, sequence) for sequence in run.protocol.sequences}
