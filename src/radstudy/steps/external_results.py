"""The files of the step validate, computed from the predictions of an external cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.artefacts import TableFile
from radstudy.artefacts import validate as files
from radstudy.errors import DataError
from radstudy.modelling.assessment.external import (
    case_mix,
    external_calibration,
    external_curve,
    external_decision,
    external_performance,
    sample_size_rows,
    subgroup_rows,
)
from radstudy.modelling.assessment.performance import Scored, roc_points
from radstudy.modelling.recalibration import FORMULA, RECALIBRATIONS, CrossFitted, cross_fitted, recalibrated
from radstudy.signature.document import Signature
from radstudy.signature.rows import PredictedRows
from radstudy.signature.soundness import FROM_TABLE, STANDARDISED
from radstudy.steps.run import Run, read_failures, stacked
from radstudy.store import file_hash, plain, read_json, write_bytes

ALL, INSIDE = "all", "inside"
Record = Mapping[str, Any]
_COLUMNS = {"in the large": "in_the_large", "slope": "slope", "refit": "refit"}  # of predictions.csv
_NAMES = ("set", "version")  # columns that name a row
_OF_TESTING = ("auc", "sensitivity", "specificity", "accuracy", "ppv", "npv")
_OF_CALIBRATION = ("oe", "intercept", "slope", "brier", "scaled_brier", "ici")


@dataclass(frozen=True)
class Validated:
    """The signature to validate, and the subgroups.

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


@dataclass(frozen=True, eq=False)
class ExternalResults:
    """The results of a validation, computed as they are written.

    Parameters
    ----------
    run : the validation's folder and protocol.
    what : the signature and the subgroups.
    outcome : of the cohort's rows.
    predicted : the predictions.
    levels : column of the subgroups to its values.
    notes : remarks for the report.
    """

    run: Run
    what: Validated
    outcome: pd.Series[int]
    predicted: PredictedRows
    levels: Mapping[str, pd.Series[Any]]
    notes: tuple[str, ...]

    def write(self) -> None:
        """Write all files of the step, and validation.json.

        Raises
        ------
        DataError : the predicted patients have one class only.
        """
        if not self.everyone.has_both_classes:
            raise DataError(
                f"the {len(self.everyone.y)} patients that the model can predict have one class only. To do: complete "
                f"the values that the others lack ({_example(self.predicted.missing)}), or the table"
            )
        out = self.run.out
        for table, records in self.tables.items():
            table.write(out, records)
        self._write_curves()
        self._write_patients()
        write_bytes(files.COPY.file(out), self.what.file.read_bytes())
        files.DEVELOPMENT.write(out, self.development)
        files.RESULT.write(out, plain(self._result()))

    @cached_property
    def tables(self) -> dict[TableFile, list[Record]]:
        """The tables with one record per row."""
        section, seed = self.run.protocol.evaluate.interval, self.run.protocol.seed
        performance: list[Record] = [
            external_performance(one, self.what.signature.cutoff, section, seed) for one in self.sets
        ]
        calibration: list[Record] = [external_calibration(one, FORMULA, section) for one in self.sets]
        calibration += [self._calibration_after(name, item) for name, item in self.recalibrations.items()]
        mix: list[Record] = [case_mix(one, section, seed) for one in self.sets]
        index = self.predicted.rows.index
        return {
            files.PERFORMANCE: performance,
            files.CALIBRATION: calibration,
            files.CASE_MIX: mix,
            files.SUBGROUPS: [
                row for name, values in self.levels.items()
                for row in subgroup_rows(self.everyone, name, values.reindex(index), section)
            ],
            files.SAMPLE_SIZE: list(sample_size_rows(self.everyone, calibration[0], performance[0])),
            files.FORMULAS: self._formulas(),
        }  # fmt: skip

    @cached_property
    def everyone(self) -> Scored:
        """All patients, by the formula as published."""
        return self._scored(ALL)

    @cached_property
    def sets(self) -> tuple[Scored, Scored]:
        """All patients, then those inside the range."""
        return self.everyone, self._scored(INSIDE)

    @cached_property
    def recalibrations(self) -> dict[str, CrossFitted]:
        """Recalibration to the cross-fitted probabilities of all patients."""
        form, design = self.what.signature.form, self.predicted.design
        seed = self.run.protocol.seed
        return {one.name: cross_fitted(one, form, self.everyone.y, design, seed=seed) for one in RECALIBRATIONS}

    def _scored(self, which: str, probability: NDArray[np.float64] | None = None) -> Scored:
        rows = self.predicted.rows
        chosen = np.ones(len(rows), dtype=bool) if which == ALL else rows["inside"].to_numpy(dtype=bool)
        values = rows["probability"].to_numpy(dtype=float) if probability is None else probability
        y = self.outcome.reindex(rows.index).to_numpy(dtype=np.int64)
        patients = rows.index.get_level_values("patient").to_numpy(dtype=object)
        return Scored(self.what.signature.model, which, y[chosen], values[chosen], patients[chosen])

    def _calibration_after(self, name: str, item: CrossFitted) -> Record:
        if item.note:
            y = self.everyone.y
            return {"set": ALL, "version": name, "rows": len(y), "positives": int(y.sum()), "note": item.note}
        section = self.run.protocol.evaluate.interval
        return external_calibration(
            self._scored(ALL, item.probability), name, section, auc=item.auc, folds=item.folds
        )  # fmt: skip

    def _versions(self) -> list[tuple[Scored, str]]:
        """Every set of probabilities that has curves."""
        after = [(self._scored(ALL, item.probability), name) for name, item in self.recalibrations.items()
                 if not item.note]  # fmt: skip
        return [(one, name) for one, name in (*((one, FORMULA) for one in self.sets), *after) if one.has_both_classes]

    def _write_curves(self) -> None:
        out, level = self.run.out, self.run.protocol.evaluate.interval.level
        versions = self._versions()
        curves = [part for one, name in versions if (part := external_curve(one, name, level)) is not None]
        decisions = [external_decision(one, name, level, self.run.protocol.seed) for one, name in versions]
        roc = [roc_points(one).drop(columns="model") for one in self.sets if one.has_both_classes]
        for table, parts in ((files.CURVES, curves), (files.DECISION, decisions), (files.ROC, roc)):
            table.write(out, stacked(parts, table.names))

    def _write_patients(self) -> None:
        out, rows = self.run.out, self.predicted.rows
        after = {_COLUMNS[name]: item.probability for name, item in self.recalibrations.items()}
        frame = rows.assign(outcome=self.outcome, positive=rows["probability"] >= self.what.signature.cutoff, **after)
        files.PREDICTIONS.write(out, frame.reset_index()[files.PREDICTIONS.names])
        files.MISSING.write(out, [
            {"patient": row[0], "lesion": row[1], "outcome": self.outcome[row], "reason": why}
            for row, why in self.predicted.missing.items()
        ])  # fmt: skip
        files.FINDINGS.write(out, [
            {"patient": row[0], "lesion": row[1], **one.as_dict()}
            for row, findings in self.predicted.findings.items() for one in findings
        ])  # fmt: skip

    def _formulas(self) -> list[Record]:
        """The formulas recalibrated on all patients, one record per coefficient."""
        form = self.what.signature.form
        published = {"intercept": form.intercept, **{term.name: term.coefficient for term in form.terms}}
        records: list[Record] = []
        for method in RECALIBRATIONS:
            own, why = recalibrated(method, form, self.everyone.y, self.predicted.design)
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
        return records

    @cached_property
    def development(self) -> dict[str, Any]:
        """The model as it was developed, and the remarks on this validation."""
        signature = self.what.signature
        return {
            "study": signature.study, "model": signature.model, "outcome": dict(signature.outcome),
            "rows": signature.training.get("lesions"), "positives": signature.training.get("positive"),
            "cutoff": signature.cutoff if np.isfinite(signature.cutoff) else None,
            "terms": len(signature.form.terms), "from_table": bool(signature.extract.get(FROM_TABLE)),
            "standardised": signature.extract.get(STANDARDISED, ""),
            "performance": development_figures(read_json(self.what.file)),
            "notes": list(self.notes), "not_checked": [one.message for one in self.predicted.not_checked],
        }  # fmt: skip

    def _result(self) -> dict[str, Any]:
        """The content of validation.json."""
        performance, calibration = self.tables[files.PERFORMANCE], self.tables[files.CALIBRATION]
        both = [
            {"performance": _unnamed(p), "calibration": _unnamed(c), "case_mix": _unnamed(m)}
            for p, c, m in zip(performance, calibration[:2], self.tables[files.CASE_MIX], strict=True)
        ]
        area, line = performance[0], calibration[0]
        origin = {name: self.development[name] for name in ("study", "model", "outcome")}
        return {
            "auc": area["auc"], "auc_ci": [area["auc_low"], area["auc_high"]],
            "calibration_slope": line["slope"], "calibration_intercept": line["intercept"],
            "n": area["rows"], "events": area["positives"],
            "calibration_slope_ci": [line["slope_low"], line["slope_high"]],
            "calibration_intercept_ci": [line["intercept_low"], line["intercept_high"]],
            "level": self.run.protocol.evaluate.interval.level,
            "signature": {**origin, "hash": file_hash(self.what.file)},
            "all": both[0], "inside_range": both[1],
            "recalibration": {row["version"]: _unnamed(row) for row in calibration[2:]},
            "subgroups": self.tables[files.SUBGROUPS], "sample_size": self.tables[files.SAMPLE_SIZE],
            "not_predicted": len(self.predicted.missing),
            "outside_range": int((~self.predicted.rows["inside"]).sum()),
            "lost": lost_in(self.run.out), "notes": list(self.notes),
        }  # fmt: skip


def _example(missing: Mapping[tuple[str, str], str]) -> str:
    return next(iter(missing.values()), "none")


def _unnamed(row: Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _NAMES}


def lost_in(out: Path) -> int:
    """Count the cases that the steps before have lost: files are missing, or cannot be used."""
    return sum(len(read_failures(file)) for file in sorted(out.glob("*/failures.csv")))


def development_figures(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the performance that a signature states of its own development; none if it states nothing.

    Parameters
    ----------
    document : the signature's file; its part ``performance`` has rows of the study's tables, by name: ``testing``,
        ``calibration`` (of the testing set), ``nested``, ``training``.

    Examples
    --------
    >>> development_figures({"performance": {"testing": {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9}}})
    [{'measure': 'auc', 'source': 'testing', 'value': 0.8, 'low': 0.7, 'high': 0.9}]
    """
    parts = document.get("performance") or {}
    figures = [_figure(parts.get("testing"), name, "testing") for name in _OF_TESTING]
    figures += [_figure(parts.get("calibration"), name, "testing", f"calibration_{name}") for name in _OF_CALIBRATION]
    figures.append(_figure(parts.get("nested"), "nested_auc", "inside the folds", "auc", limits="nested"))
    figures.append(_figure(parts.get("training"), "auc", "training, apparent"))
    return [figure for figure in figures if figure is not None]


def _figure(
    row: Record | None, name: str, source: str, measure: str = "", *, limits: str = ""
) -> dict[str, Any] | None:  # fmt: skip
    if not isinstance(row, Mapping) or not isinstance(row.get(name), int | float):
        return None
    low, high = (row.get(f"{limits or name}_{end}") for end in ("low", "high"))
    return {"measure": measure or name, "source": source, "value": row[name], "low": low, "high": high}
