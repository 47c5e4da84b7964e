"""The step of `radstudy validate`: a signature's probabilities for an external cohort, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from radstudy.artefacts import prepare
from radstudy.cohort.rows import ROW, identified_rows, words_of
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import DataError, RefusedError, UsageError
from radstudy.formats.acquisition import acquisition_of
from radstudy.imaging.lesion_check import CENTRE
from radstudy.modelling.leaks.scaling import scaled_columns
from radstudy.protocol import Protocol
from radstudy.signature.applicability import Seen
from radstudy.signature.document import Signature
from radstudy.signature.patient import origin_of
from radstudy.signature.rows import Row, design_of_signature, predict_rows
from radstudy.signature.soundness import STANDARDISED
from radstudy.steps.cohort import read_cases, read_rows
from radstudy.steps.external_results import ExternalResults, Validated
from radstudy.steps.extract import read_features
from radstudy.steps.run import Run
from radstudy.store import content_hash, file_hash
from radstudy.table import FeatureTable

STEP = "validate"
_MOST_LEVELS = 12  # of a column of subgroups


def do_validate(run: Run, what: Validated) -> None:
    """Predict every patient, and assess the predictions: all patients first, those inside the range second.

    Raises
    ------
    RefusedError : the features are not those of the signature, or were standardised in another way.
    DataError : nothing could be predicted, or the predicted patients have one class only.
    UsageError : a column of subgroups does not exist or has too many values.
    """
    protocol, before = run.protocol, "extract" if run.protocol.sequences else "cohort"
    settings = {
        "interval": protocol.evaluate.interval.model_dump(mode="json"), "seed": protocol.seed, "by": what.by,
        "notes": what.notes,
    }  # fmt: skip
    table = run.data / protocol.cohort.table
    inputs = {before: run.key_of(before), "signature": file_hash(what.file), "table": file_hash(table)}
    with run.step(STEP, settings=settings, inputs=inputs, tables={table: inputs["table"]}) as due:
        if due:
            _validate(run, what)


def _validate(run: Run, what: Validated) -> None:
    signature, protocol, rows = what.signature, run.protocol, read_rows(run)
    features = read_features(run) if protocol.sequences else None
    notes = [*what.notes, *_standardised(signature, protocol, features), *_trained_on(signature, rows)]
    levels = _levels(run, what.by, rows)
    design = design_of_signature(signature, rows, features, protocol.reader)
    predicted = predict_rows(signature, design, _seen(run) if _from_images(run) else None)
    if not len(predicted.rows):
        why = next(iter(predicted.missing.values()), "no row")
        raise DataError(f"the model '{signature.model}' cannot predict a single patient of this cohort ({why})")
    for note in notes:
        run.say(note)
    if predicted.missing:
        run.say(f"{len(predicted.missing)} of {len(rows)} rows lack values that the model needs: not predicted")
    results = ExternalResults(run, what, rows["outcome"], predicted, levels, tuple(notes))
    results.write()


def _from_images(run: Run) -> bool:
    return run.protocol.features is None and bool(run.protocol.sequences)


# --- before anything is predicted --------------------------------------------------------------------------------


def _standardised(signature: Signature, protocol: Protocol, features: FeatureTable | None) -> list[str]:
    """Refuse a table that was standardised without saying so; say what a declared standardisation means."""
    if features is None or protocol.features is None:
        return []
    tables = {name: features.of(name, protocol.reader).dropna(axis=1, how="all") for name in signature.sequences}
    scaled = {name: seen for name, table in tables.items() if (seen := scaled_columns(table)) is not None}
    if not signature.extract.get(STANDARDISED):
        for name, (how, columns, share) in scaled.items():
            raise RefusedError(
                f"the features of {name} were standardised over this table ({how} in {len(columns)} columns, "
                f"{share:.0%}), but the signature was made from features as extracted: every patient would look like "
                "the average of the training patients. To do: give the features as extracted"
            )
        return []
    told = [
        "The features of the development and of this cohort were each standardised over all patients of their own "
        "table, as both study files declare. A single new patient cannot be predicted in this way, and differences "
        "between scanners are hidden: nothing here is about harmonising them."
    ]
    other = [name for name in tables if name not in scaled]
    return told + [f"{name}: declared as standardised, but the table's columns do not look it." for name in other]


def _trained_on(signature: Signature, rows: pd.DataFrame) -> list[str]:
    """Say if the cohort is the one that the model was trained on."""
    pairs = [[*index, int(y)] for index, y in zip(rows.index, rows["outcome"], strict=True)]
    if content_hash(pairs) != signature.training.get("rows_hash"):
        return []
    return [
        "THESE ARE THE PATIENTS THAT THE MODEL WAS TRAINED ON (same identifiers, same outcomes): the result is "
        "apparent, and no external validation."
    ]


def _levels(run: Run, by: Sequence[str], rows: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Read the columns of the subgroups from the cohort table."""
    if not by:
        return {}
    section = run.protocol.cohort
    table, _ = read_table(run.data / section.table, section.sheet, words_of(section))
    for name in by:
        if name not in table.columns:
            raise UsageError(
                f"--by {name}: the cohort table has no such column; choose from {', '.join(map(str, table.columns))}"
            )
    identified, _ = identified_rows(section, table)
    levels = {name: identified[name].reindex(rows.index) for name in by}
    for name, values in levels.items():
        if (count := values.nunique()) > _MOST_LEVELS:
            raise UsageError(
                f"--by {name}: this column has {count} different values; at most {_MOST_LEVELS} are subgroups. To do: "
                "add a column to the table that groups them, and name it"
            )
    return levels


def _seen(run: Run) -> dict[Row, dict[str, Seen]]:
    """The facts of every lesion's images that are compared with the training images, as `prepare` recorded them."""
    volumes, lesions = prepare.VOLUMES.read(run.out), prepare.LESIONS.read(run.out)
    grids = {(row["patient"], row["sequence"], Path(str(row["image"])).name): row for _, row in volumes.iterrows()}
    mine = lesions[lesions["reader"] == run.protocol.reader].set_index([*ROW, "sequence"])
    seen: dict[Row, dict[str, Seen]] = {}
    for case in read_cases(run):
        grid = grids.get((case.patient, case.sequence, case.image.name))
        place = (case.patient, case.lesion, case.sequence)
        if grid is None or place not in mine.index:
            continue
        drawn = cast("pd.Series[Any]", mine.loc[place, :])
        spacing = np.array([float(part) for part in str(grid["spacing_mm"]).split(" x ")])
        shape = tuple(int(part) for part in str(grid["size"]).split(" x "))
        seen.setdefault((case.patient, case.lesion), {})[case.sequence] = Seen(
            case.image, np.broadcast_to(np.float32(0), shape), np.diag([*spacing, 1.0]), spacing,
            drawn[list(CENTRE)].to_numpy(dtype=float), float(drawn["volume_mm3"]), origin_of(case.image),
            acquisition=acquisition_of(case.image, patient=case.patient, sequence=case.sequence),
            scale=None if pd.isna(grid["low"]) else (float(grid["low"]), float(grid["high"])),
        )  # fmt: skip
    return seen
