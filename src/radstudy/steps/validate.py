"""The step of `radstudy validate`: a signature's probabilities for an external cohort, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.artefacts import prepare
from radstudy.artefacts import validate as files
from radstudy.cohort.rows import ROW, identified_rows, words_of
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import DataError, RefusedError, UsageError
from radstudy.imaging.lesion_check import CENTRE
from radstudy.modelling.assessment.external import (
    case_mix,
    external_calibration,
    external_curve,
    external_decision,
    external_performance,
    sample_size_rows,
    subgroup_rows,
    without_model,
)
from radstudy.modelling.assessment.performance import Scored, roc_points
from radstudy.modelling.leaks.scaling import scaled_columns
from radstudy.modelling.recalibration import FORMULA, RECALIBRATIONS, cross_fitted, recalibrated
from radstudy.protocol import Protocol
from radstudy.signature.applicability import Seen
from radstudy.signature.document import Signature
from radstudy.signature.patient import origin_of
from radstudy.signature.rows import PredictedRows, Row, design_of_signature, predict_rows
from radstudy.signature.soundness import FROM_TABLE, STANDARDISED
from radstudy.steps.cohort import read_cases, read_rows
from radstudy.steps.extract import read_features
from radstudy.steps.run import Run, stacked
from radstudy.store import content_hash, file_hash, plain, read_json, write_bytes
from radstudy.table import FeatureTable

STEP = "validate"
ALL, INSIDE = "all", "inside"
_MOST_LEVELS = 12  # of a column of subgroups
_COLUMNS = {"in the large": "in_the_large", "slope": "slope", "refit": "refit"}


@dataclass(frozen=True)
class Validated:
    """What is validated, and in which subgroups.

    Parameters
    ----------
    signature, file : the signature as read, and its file.
    by : columns of the cohort table.
    notes : decisions on the study file, for the report.
    """

    signature: Signature
    file: Path
    by: tuple[str, ...]
    notes: tuple[str, ...]


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
    _Written(run, what, rows["outcome"], predicted, levels, tuple(notes)).write()


def _from_images(run: Run) -> bool:
    return run.protocol.features is None and bool(run.protocol.sequences)


# --- before anything is predicted --------------------------------------------------------------------------------


def _standardised(signature: Signature, protocol: Protocol, features: FeatureTable | None) -> list[str]:
    """Refuse a table that was standardised without saying so; say what a declared standardisation means."""
    if features is None or protocol.features is None:
        return []
    tables = {name: features.of(name, protocol.reader).dropna(axis=1, how="all") for name in signature.sequences}
    scaled = {name: how for name, table in tables.items() if (how := scaled_columns(table)) is not None}
    if not signature.extract.get(STANDARDISED):
        for name, (how, columns, share) in scaled.items():
            raise RefusedError(
                f"the features of {name} were standardised over this table ({how} in {len(columns)} columns, "
                f"{share:.0%}), but the signature was made from features as extracted: every patient would look like "
                "the average of the training patients. To do: give the features as extracted"
            )
        return []
    told = [
        "The features of both hospitals were standardised over all patients of their own table (declared in both study "
        "files). A single new patient cannot be predicted in this way, and differences between the hospitals' scanners "
        "are hidden: nothing here is about harmonising them."
    ]
    other = [name for name in tables if name not in scaled]
    return told + [f"{name}: the table does not look standardised over its own rows, as declared." for name in other]


def _trained_on(signature: Signature, rows: pd.DataFrame) -> list[str]:
    """Say if the cohort is the one that the model was trained on."""
    pairs = [[*index, int(y)] for index, y in zip(rows.index, rows["outcome"], strict=True)]
    if content_hash(pairs) != signature.training.get("rows_hash"):
        return []
    return [
        "THESE ARE THE PATIENTS THAT THE MODEL WAS TRAINED ON (same identifiers, same outcomes): the result is apparent "
        "and no external validation."
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
    grids = {(row.patient, row.sequence, Path(row.image).name): row for row in volumes.itertuples()}
    mine = lesions[lesions["reader"] == run.protocol.reader].set_index([*ROW, "sequence"])
    seen: dict[Row, dict[str, Seen]] = {}
    for case in read_cases(run):
        grid = grids.get((case.patient, case.sequence, case.image.name))
        place = (case.patient, case.lesion, case.sequence)
        if grid is None or place not in mine.index:
            continue
        drawn = mine.loc[place]
        spacing = np.array([float(part) for part in str(grid.spacing_mm).split(" x ")])
        shape = tuple(int(part) for part in str(grid.size).split(" x "))
        seen.setdefault((case.patient, case.lesion), {})[case.sequence] = Seen(
            case.image, np.broadcast_to(np.float32(0), shape), np.diag([*spacing, 1.0]), spacing,
            drawn[list(CENTRE)].to_numpy(dtype=float), float(drawn["volume_mm3"]), origin_of(case.image),
        )  # fmt: skip
    return seen


# --- what is written ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Written:
    """The tables of a validation, computed as they are written."""

    run: Run
    what: Validated
    outcome: pd.Series[int]
    predicted: PredictedRows
    levels: Mapping[str, pd.Series[Any]]
    notes: tuple[str, ...]

    def write(self) -> None:
        """Write all files of the step."""
        out, section, seed = self.run.out, self.run.protocol.evaluate.interval, self.run.protocol.seed
        everyone = self.scored(ALL)
        if not everyone.has_both_classes:
            raise DataError(
                f"the {len(everyone.y)} patients that the model can predict have one class only. To do: complete the "
                "values that the others lack (see not_predicted.csv), or the table"
            )
        sets = [everyone, self.scored(INSIDE)]
        fitted = {method.name: cross_fitted(method, self.what.signature.form, everyone.y, self.predicted.design,
                                            seed=seed) for method in RECALIBRATIONS}  # fmt: skip
        after = [
            (self.scored(ALL, item.probability), name, item) for name, item in fitted.items() if not item.note
        ]  # fmt: skip
        performance = [external_performance(one, self.what.signature.cutoff, section, seed) for one in sets]
        calibration = [external_calibration(one, FORMULA, section) for one in sets]
        calibration += [
            external_calibration(one, name, section, auc=item.auc, folds=item.folds) for one, name, item in after
        ]
        calibration += [
            {"set": ALL, "version": name, "rows": len(everyone.y), "positives": int(everyone.y.sum()),
             "note": item.note} for name, item in fitted.items() if item.note
        ]  # fmt: skip
        versions = [*((one, FORMULA) for one in sets), *((one, name) for one, name, _ in after)]
        curves = [curve for one, name in versions if (curve := external_curve(one, name, section.level)) is not None]
        drawn = [(one, name) for one, name in versions if one.has_both_classes]
        decisions = [external_decision(one, name, section.level, seed) for one, name in drawn]
        files.PERFORMANCE.write(out, performance)
        files.CALIBRATION.write(out, calibration)
        files.CURVES.write(out, stacked(curves, files.CURVES.names))
        files.DECISION.write(out, stacked(decisions, files.DECISION.names))
        roc = [roc_points(one).drop(columns="model") for one in sets if one.has_both_classes]
        files.ROC.write(out, stacked(roc, files.ROC.names))
        mix = [case_mix(one, section, seed) for one in sets]
        files.CASE_MIX.write(out, mix)
        groups = [
            row for name, values in self.levels.items()
            for row in subgroup_rows(everyone, name, values.reindex(self.predicted.rows.index), section)
        ]  # fmt: skip
        files.SUBGROUPS.write(out, groups)
        sizes = sample_size_rows(everyone, calibration[0], performance[0])
        files.SAMPLE_SIZE.write(out, sizes)
        self._write_patients({name: item.probability for name, item in fitted.items()})
        self._write_formulas(everyone.y)
        development = self._write_signature()
        self._write_result(performance, calibration, mix, groups, sizes, development)

    def scored(self, which: str, probability: NDArray[np.float64] | None = None) -> Scored:
        """The probabilities of a set; those of the formula as published unless others are given for all rows."""
        rows = self.predicted.rows
        chosen = np.ones(len(rows), dtype=bool) if which == ALL else rows["inside"].to_numpy(dtype=bool)
        values = rows["probability"].to_numpy(dtype=float) if probability is None else probability
        y = self.outcome.reindex(rows.index).to_numpy(dtype=np.int64)
        patients = rows.index.get_level_values("patient").to_numpy(dtype=object)
        return Scored(self.what.signature.model, which, y[chosen], values[chosen], patients[chosen])

    def _write_patients(self, after: Mapping[str, NDArray[np.float64]]) -> None:
        out, rows = self.run.out, self.predicted.rows
        frame = rows.assign(outcome=self.outcome, positive=rows["probability"] >= self.what.signature.cutoff)
        frame = frame.assign(**{_COLUMNS[name]: values for name, values in after.items()}).reset_index()
        files.PREDICTIONS.write(out, frame[files.PREDICTIONS.names])
        files.MISSING.write(out, [
            {"patient": row[0], "lesion": row[1], "outcome": self.outcome[row], "reason": why}
            for row, why in self.predicted.missing.items()
        ])  # fmt: skip
        files.FINDINGS.write(out, [
            {"patient": row[0], "lesion": row[1], **one.as_dict()}
            for row, findings in self.predicted.findings.items() for one in findings
        ])  # fmt: skip

    def _write_formulas(self, y: NDArray[np.int64]) -> None:
        """Write the formulas recalibrated on all patients."""
        form = self.what.signature.form
        published = {"intercept": form.intercept, **{term.name: term.coefficient for term in form.terms}}
        records: list[dict[str, Any]] = []
        for method in RECALIBRATIONS:
            own, why = recalibrated(method, form, y, self.predicted.design)
            if own is None:
                records.append({"version": method.name, "term": "", "note": why})
                continue
            values = {"intercept": own.intercept, **{term.name: term.coefficient for term in own.terms}}
            scales = {term.name: {"centre": term.centre, "scale": term.scale} for term in own.terms}
            records += [
                {"version": method.name, "term": name, "published": published[name], "value": value,
                 **scales.get(name, {}), "note": ""}
                for name, value in values.items()
            ]  # fmt: skip
        files.FORMULAS.write(self.run.out, records)

    def _write_signature(self) -> dict[str, Any]:
        signature, out = self.what.signature, self.run.out
        write_bytes(files.COPY.file(out), self.what.file.read_bytes())
        development = {
            "study": signature.study, "model": signature.model, "outcome": dict(signature.outcome),
            "rows": signature.training.get("lesions"), "positives": signature.training.get("positive"),
            "cutoff": signature.cutoff if np.isfinite(signature.cutoff) else None,
            "terms": len(signature.form.terms), "from_table": bool(signature.extract.get(FROM_TABLE)),
            "standardised": signature.extract.get(STANDARDISED, ""),
            "performance": development_figures(read_json(self.what.file)),
            "notes": list(self.notes), "not_checked": [one.message for one in self.predicted.not_checked],
        }  # fmt: skip
        files.DEVELOPMENT.write(out, development)
        return development

    def _write_result(
        self,
        performance: Sequence[Mapping[str, Any]],
        calibration: Sequence[Mapping[str, Any]],
        mix: Sequence[Mapping[str, Any]],
        groups: Sequence[Mapping[str, Any]],
        sizes: Sequence[Mapping[str, Any]],
        development: Mapping[str, Any],
    ) -> None:
        both = [{"performance": without_set(p), "calibration": without_set(c), "case_mix": without_set(m)}
                for p, c, m in zip(performance, calibration[:2], mix, strict=True)]  # fmt: skip
        area, line, rows = performance[0], calibration[0], self.predicted.rows
        result = {
            "auc": area["auc"], "auc_ci": [area["auc_low"], area["auc_high"]],
            "calibration_slope": line["slope"], "calibration_intercept": line["intercept"],
            "n": area["rows"], "events": area["positives"],
            "calibration_slope_ci": [line["slope_low"], line["slope_high"]],
            "calibration_intercept_ci": [line["intercept_low"], line["intercept_high"]],
            "level": self.run.protocol.evaluate.interval.level,
            "signature": {**{name: development[name] for name in ("study", "model", "outcome")},
                          "hash": file_hash(self.what.file)},
            "all": both[0], "inside_range": both[1],
            "recalibration": {row["version"]: without_set(row) for row in calibration[2:]},
            "subgroups": groups, "sample_size": sizes, "not_predicted": len(self.predicted.missing),
            "outside_range": int((~rows["inside"]).sum()), "notes": list(self.notes),
            "lost": lost_in(self.run.out),
        }  # fmt: skip
        files.RESULT.write(self.run.out, plain(result))


def without_set(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without the columns that name it."""
    return {name: value for name, value in without_model(row).items() if name not in ("set", "version")}


def lost_in(out: Path) -> int:
    """Count the cases that the steps before have lost."""
    from radstudy.steps.run import read_failures

    return sum(len(read_failures(out / step / "failures.csv")) for step in ("cohort", "prepare", "extract")
               if (out / step / "failures.csv").exists())  # fmt: skip


def development_figures(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the performance that a signature states of its own development; none if it states nothing.

    Parameters
    ----------
    document : the signature's file.
    """
    return []
