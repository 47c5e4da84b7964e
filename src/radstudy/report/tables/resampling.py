"""The pipeline as specified, the same pipeline inside the folds, and the stability of its selection."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from radstudy.report.cited import applied, integer
from radstudy.report.display import NOTHING, interval, number, plural, plural_span, span, thousands
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.outline import number_of
from radstudy.report.part import report_part
from radstudy.report.resampled import OPTIMISTIC, fewest, left_out_note, resampled
from radstudy.report.tables.features import readable
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, numbers, words
from radstudy.statistics.selection_stability import FEWEST_FOR_INTERVAL

_SHOWN, _OFTEN = 10, 25.0  # features per model; those of the model itself and those selected in this per cent or more
_CORRECTIONS = {"harrell": "Harrell", "632": ".632", "632+": ".632+"}


@report_part("honest", reads=("evaluate/resampling/summary.csv", "cohort/rows.csv"), rows_independent=False)
def honest(facts: RunFacts) -> Table:
    """The pipeline as specified, apparent and on one split, next to nested and out-of-bag values."""
    frame = resampled(facts)
    head = [Cell("Model"), Cell("As specified", span=3), Cell("The same pipeline, every step inside the folds", span=6)]
    names = ["", "Training", "Cross-validated, selected outside the folds", "Testing, the study's split",
             "Nested cross-validation", "Optimism", "Testing, other splits", "Out-of-bag", "Brier score",
             "Calibration slope"]  # fmt: skip
    rows = [_honest_row(row, len(names)) for _, row in frame.iterrows()]
    return Table([head, [*words(names[:1]), *numbers(names[1:])]], rows, frame, _honest_notes(facts, frame))


def _honest_row(row: Any, width: int) -> list[Cell]:
    if pd.isna(row["training_auc"]):
        return [Cell(row["model"], kind="name"), Cell(row["note"], span=width - 1, kind="quiet")]
    share = row["split_share_lower"]
    place = "" if pd.isna(share) else f"above {number(100 * share, 0)}% of splits"
    return [
        Cell(row["model"], kind="name"),
        Cell(number(row["training_auc"]), kind="number quiet"),
        Cell(number(row["selected_outside_auc"]), kind="number quiet"),
        Cell(number(row["testing_auc"]), below=place, kind="number"),
        Cell(number(row["nested_auc"]), below=_range(row, "nested"), kind="number strong"),
        Cell(number(row["optimism"]), kind="number"),
        Cell(number(row["split_median"]), below=_range(row, "split"), kind="number"),
        Cell(number(row["out_of_bag_auc"]), below=_range(row, "out_of_bag"), kind="number"),
        Cell(number(row["out_of_bag_brier"]), below=_reference(row), kind="number"),
        Cell(number(row["out_of_bag_slope"], 2), kind="number"),
    ]


def _range(row: Any, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return "" if pd.isna(low) or pd.isna(high) else f"{number(low)} to {number(high)}"


def _reference(row: Any) -> str:
    return "" if pd.isna(row["out_of_bag_brier"]) else f"share {number(row['share_brier'])}"


def _honest_notes(facts: RunFacts, frame: pd.DataFrame) -> list[str]:
    """Explanations of the columns that are not empty."""
    nested, splits, resamples = (frame[frame[name].notna()] for name in ("nested_auc", "split_median", "resamples"))
    notes = [
        "AUCs, Brier score and calibration slope. As specified: training is apparent; cross-validation with the "
        "features selected outside the folds, on the same patients that are then left out, is not a validation; "
        "testing is one split, with the share of other splits that had a lower AUC below it."
    ]
    if len(nested):
        notes.append(
            f"Nested cross-validation: {span(nested['repeats'])} x {span(nested['folds'])} folds of all "
            f"{facts.case_word}, with every filter, tree, screening and penalty fitted inside; mean of the folds' "
            "AUCs, never of pooled scores, which are biased low in small samples; below it, the "
            f"{facts.level} interval from the corrected resampled variance (1 / (k r) + n test / n train; Nadeau and "
            "Bengio 2003), approximate for an AUC. Optimism: the training AUC minus this one; the folds train on a "
            "different number of patients from the study's training set, which changes it slightly."
        )
    if len(splits):
        notes.append(
            f"Other splits: {span(splits['splits'])} random splits of the same sizes as the study's; median"
            f"{_share_note(facts, splits['splits'], 'splits')}."
        )
    if len(resamples):
        notes.append(
            f"Out-of-bag: models from {span(resamples['resamples'])} resamples of patients, on the patients not drawn; "
            f"mean{_share_note(facts, resamples['resamples'], 'resamples')}. Brier score: 'share' is that of a model "
            "that knows only the proportion of positives. Calibration slope: median; below 1, predictions are too "
            "extreme."
        )
    return [*notes, *left_out_note(frame[frame["training_auc"].notna()])]


def _share_note(facts: RunFacts, counts: pd.Series[Any], unit: str) -> str:
    """The words on the central share below a median or mean."""
    if counts.max() < fewest(facts):
        return f" ({span(counts)} {unit} are too few for a central {facts.level})"
    return f", with the central {facts.level} of the {unit} below it"


@report_part("stability", reads=("evaluate/resampling/summary.csv",), rows_independent=False)
def stability(facts: RunFacts) -> Table:
    """The stability of the selection and of the predictions."""
    frame = resampled(facts)
    known = frame[frame["resamples"].notna() | frame["repeats"].notna()]
    if not len(known):
        raise AbsentError("The study file omits both the bootstrap and nested cross-validation.")
    names = ["Model", "Features selected, mean", "of candidates", "Nogueira's index (CI)", "Agreement of risks, ICC",
             "SD of a patient's risk, median", "largest"]  # fmt: skip
    notes = Footnotes()
    rows = [_stability_row(row, notes) for _, row in known.iterrows()]
    lines = [
        *notes.lines(),
        "Nogueira's index of the selection over the bootstrap resamples: 1 if the same features are selected every "
        "time, 0 for the overlap expected by chance; correlated features that replace each other lower it. Its "
        f"interval is the normal approximation, given for {FEWEST_FOR_INTERVAL} resamples or more. Agreement of risks: "
        "ICC(1,1) of a patient's predicted probabilities over the repeats of nested cross-validation, each from models "
        "that had not been trained on the patient; SD over the same repeats.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, known, lines)


def _stability_row(row: Any, notes: Footnotes) -> Row:
    why = row["stability_note"]
    mark = notes.mark(str(why)) if isinstance(why, str) and why else ""
    index = interval(row["stability"], row["stability_low"], row["stability_high"], 2)
    count = NOTHING if pd.isna(row["candidates"]) else thousands(integer(row["candidates"]))
    return [
        Cell(str(row["model"]), kind="name"), *numbers([number(row["features_mean"], 1), count]),
        Cell(index, mark=mark, kind="number"),
        *numbers([number(row["risk_icc"], 2), number(row["risk_sd_median"], 2), number(row["risk_sd_largest"], 2)]),
    ]  # fmt: skip


@report_part(
    "selection_frequency",
    reads=("evaluate/resampling/features.csv", "evaluate/resampling/summary.csv", "cohort/rows.csv"),
    rows_independent=False,
)
def frequent(facts: RunFacts) -> Table:
    """The selection frequency of each feature, and its coefficient when selected."""
    frame = resampled(facts, "features")
    rows: list[Row] = []
    names = ["Feature", "Selected, %", "Coefficient in the study", "Coefficient over resamples", "Same sign, %"]
    for model in dict.fromkeys(frame["model"]):
        part = frame[frame["model"] == model]
        shown = part[part["in_model"] | (part["selected_percent"] >= _OFTEN)]
        keep = shown[shown["in_model"]].index.union(shown.index[:_SHOWN])
        head = f"{model}: {plural(_chosen(part), 'feature')} selected at least once"
        rows.append([Cell(head, span=len(names), kind="group")])
        rows += [_frequent_row(facts, row) for _, row in shown.loc[keep].iterrows()]
    notes = [
        f"Over the bootstrap resamples of all {facts.case_word}: the features of the study's models (bold) and the "
        f"{_SHOWN} most frequent others that {_OFTEN:g}% or more of the resamples selected; the CSV file has all of "
        "them. Coefficients per standard deviation: in the study's model, and in the resamples that selected the "
        f"feature (median, and central {facts.level} if {fewest(facts)} or more did). Same sign: the share of these "
        "resamples that agree on the direction.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, notes)


def _chosen(part: pd.DataFrame) -> int:
    """The number of features that some resample selected; the study's own are listed even if none did."""
    return cast("int", applied("above", int((part["selected_percent"] > 0).sum()), part["selected_percent"], 0))


def _frequent_row(facts: RunFacts, row: Any) -> Row:
    strong = " strong" if row["in_model"] else ""
    spread = interval(row["coefficient_median"], row["coefficient_low"], row["coefficient_high"], 2)
    return [
        Cell(readable(facts, str(row["feature"])), kind=f"level name{strong}"),
        *numbers([number(row["selected_percent"], 0), number(row["model_coefficient"], 2), spread,
                  number(row["same_sign_percent"], 0)]),
    ]  # fmt: skip


@report_part(
    "optimism",
    reads=("evaluate/resampling/corrections.csv", "evaluate/resampling/summary.csv", "cohort/rows.csv"),
    rows_independent=False,
)
def corrections(facts: RunFacts) -> Table:
    """Harrell's, .632 and .632+ corrections, labelled as optimistic, next to their values on permuted outcomes."""
    section = facts.protocol.evaluate.resampling
    if section is not None and not section.optimism:
        raise AbsentError(
            "Optimism corrections (Harrell's, .632, .632+) are computed on request (evaluate.resampling.optimism): "
            "after feature selection they remain optimistic. "
            f"{number_of('table', 'honest')} has the honest values."
        )
    frame = resampled(facts, "corrections")
    chosen = [name for name in _CORRECTIONS if name in set(frame["correction"])]
    head = [Cell("Model"), Cell("Apparent", kind="number"),
            Cell(f"{OPTIMISTIC}: corrected AUC", span=len(chosen)), Cell("Honest", kind="number")]  # fmt: skip
    second = ["", "", *(_CORRECTIONS[name] for name in chosen), "out-of-bag"]
    rows: list[Row] = []
    for model in dict.fromkeys(frame["model"]):
        part = frame[frame["model"] == model].set_index("correction")
        cells = [_corrected(part.loc[name]) for name in ("apparent", *chosen, "out_of_bag")]
        rows.append([Cell(model, kind="name"), *cells])
    outcomes = plural_span(frame["noise_outcomes"].dropna(), "permuted outcome")
    resamples = plural_span(frame["resamples"].dropna(), "resample")
    notes = [
        f"AUCs of the whole pipeline on all {facts.case_word} ({resamples}); below each, the same estimate when "
        f"nothing can be predicted (mean over {outcomes}). "
        "An estimate above 0.5 there is optimistic by the difference: these corrections were developed for models "
        "without selection among many features. Harrell, Lee and Mark 1996; Efron and Tibshirani 1997.",
    ]
    return Table([head, [*words(second[:1]), *numbers(second[1:])]], rows, frame, notes)


def _corrected(row: Any) -> Cell:
    noise = "" if pd.isna(row["noise_auc"]) else f"noise {number(row['noise_auc'], 2)}"
    return Cell(number(row["auc"]), below=noise, kind="number")
