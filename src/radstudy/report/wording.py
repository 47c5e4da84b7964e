"""The report's sentences, made from what ran: nothing is claimed that the numbers do not hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from radstudy.report.display import interval, listed, number, plural, thousands
from radstudy.report.facts import TESTING, TRAINING, AbsentError, Facts
from radstudy.report.tables.performance import INTERVALS
from radstudy.store import PROVENANCE

# --- summary ---------------------------------------------------------------------------------------------------


def summary(facts: Facts) -> list[str]:
    """The study in five sentences, or in as many as its steps have finished."""
    sentences = []
    for sentence in (_patients, _features, _models, _testing, _caution):
        try:
            sentences.append(sentence(facts))
        except AbsentError as missing:
            sentences.append(f"Not known yet: {missing}")
    return list(dict.fromkeys(sentences))


def _patients(facts: Facts) -> str:
    flow = facts.document("cohort/flow.json")
    lesions = f" with {plural(flow['lesions'], 'lesion')}" if flow["lesions"] != flow["kept"] else ""
    parts = [
        f"{flow[which]['patients']} {which} patients ({flow[which]['positive']} {facts.groups[1]})"
        for which in (TRAINING, TESTING)
    ]
    return (
        f"Of {plural(flow['screened'], 'patient')} screened, {flow['kept']} were kept{lesions}: {flow['negative']} "
        f"{facts.groups[0]} and {flow['positive']} {facts.groups[1]}, split once into {listed(parts)}."
    )


def _features(facts: Facts) -> str:
    extracted = facts.document("extract/summary.json")
    agreed = facts.document("agree/summary.json")
    sequences = listed(list(facts.protocol.sequences))
    start = f"Each lesion gave {plural(extracted['features'], 'feature')} on each of {sequences}"
    if agreed["note"]:
        return f"{start}; reproducibility between readers was not tested."
    kept = [f"{thousands(agreed['kept'].get(name, 0))} ({name})" for name in facts.protocol.sequences]
    lesions = sorted(set(agreed["lesions"].values()))
    count = str(lesions[0]) if len(lesions) == 1 else f"{lesions[0]} to {lesions[-1]}"
    return (
        f"{start}; between {len(agreed['readers'])} readers on {count} lesions, {listed(kept)} of them had an "
        f"{agreed['form']} above {agreed['above']:g} and went on."
    )


def _models(facts: Facts) -> str:
    found = facts.document("model/models.json")
    empty = [name for name in facts.fitted if found[name].get("empty")]
    unfitted = [name for name in facts.models if name not in facts.fitted]
    text = f"{plural(len(facts.models), 'model')} {'was' if len(facts.models) == 1 else 'were'} declared"
    text += f" and {len(facts.fitted)} fitted" if unfitted else " and all fitted" if len(facts.models) > 1 else ""
    if unfitted:
        text += f" (not fitted: {listed(unfitted)})"
    if empty:
        text += (
            f"; in {listed(empty)} no feature survived the selection, so {'it is' if len(empty) == 1 else 'they are'} "
        )
        text += "an intercept only (AUC 0.5)"
    return text + "."


def _testing(facts: Facts) -> str:
    frame = _areas(facts, TESTING)
    low, high = frame.loc[frame["auc"].idxmin()], frame.loc[frame["auc"].idxmax()]
    level = f"{100 * facts.protocol.evaluate.interval.level:g}% CI"
    chosen = frame[frame["model"] == facts.protocol.signature_model]
    text = (
        f"On the testing set ({_span(frame['rows'])} {facts.case_word}, {_span(frame['positives'])} positive) the AUCs "
    )
    if len(frame) == 1:
        return f"{text}was {interval(low['auc'], low['auc_low'], low['auc_high'])}.".replace("AUCs", "AUC")
    text += f"lay between {number(low['auc'])} ({low['model']}) and {number(high['auc'])} ({high['model']})"
    if len(chosen):
        row = chosen.iloc[0]
        text += (
            f"; the model that the study file names for use, {row['model']}, reached {number(row['auc'])} "
            f"({level} {number(row['auc_low'])} to {number(row['auc_high'])})"
        )
    return f"{text}{_pairs(facts)}."


def _pairs(facts: Facts) -> str:
    frame = facts.frames.get("evaluate/delong.csv")
    if frame is None or not len(frame):
        return ""
    tested = frame[(frame["set"] == TESTING) & frame["p_value"].notna()]
    if not len(tested):
        return ""
    raw = int((tested["p_value"] < 0.05).sum())
    text = f", and {raw or 'none'} of {plural(len(tested), 'comparison')} between models had p < 0.05"
    if facts.protocol.evaluate.compare.adjust == "holm" and raw:
        held = int((tested["p_adjusted"] < 0.05).sum())
        text += f" ({held or 'none'} after Holm's correction)"
    return text


def _caution(facts: Facts) -> str:
    training, testing = _areas(facts, TRAINING), _areas(facts, TESTING)
    many = f"the highest of {len(testing)} tends to be too high by chance alone, and " if len(testing) > 1 else ""
    return (
        f"The training AUCs ({_between(training['auc'])}) are apparent (selection ignored): the same patients chose the "
        f"features and fitted the models; the testing AUCs come from one random split with {_span(testing['positives'])} "
        f"positive {facts.case_word}, so {many}none of this has been validated on other patients."
    )


def _areas(facts: Facts, which: str) -> pd.DataFrame:
    frame = facts.frame("evaluate/table3.csv")
    part = frame[(frame["set"] == which) & frame["auc"].notna()] if "auc" in frame else frame
    if not len(part):
        raise AbsentError("no model could be fitted and tested.")
    return part


def _span(values: Any) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


def _between(values: Any) -> str:
    return number(values.min()) if len(values) == 1 else f"{number(values.min())} to {number(values.max())}"


# --- methods ---------------------------------------------------------------------------------------------------


def methods(facts: Facts) -> list[str]:
    """The methods text: one paragraph a step, from the settings that ran and what is known of the run."""
    paragraphs = []
    for make in (_cohort_method, _prepare_method, _extract_method, _agree_method, _select_method, _fit_method,
                 _evaluate_method, _software_method):  # fmt: skip
        text = make(facts)
        if text:
            paragraphs.append(text)
    return paragraphs


def _ran(facts: Facts, step: str) -> str:
    return (
        ""
        if facts.finished(step)
        else f" (The step '{step}' has not run to its end: this is what the study file asks for.)"
    )


def _cohort_method(facts: Facts) -> str:
    cohort = facts.protocol.cohort
    split = cohort.split
    if split.column is not None:
        made = f"The split into training and testing sets was given by the column '{split.column}' of the cohort table."
    else:
        how = "stratified by outcome" if split.stratify else "not stratified"
        made = (
            f"Patients were split at random, {how}, {100 * (split.train or 0):.0f}% for training and the rest for "
            f"testing (seed {facts.protocol.seed}); lesions of one patient stay together."
        )
    outcome = cohort.outcome
    return (
        f"Patients. The outcome was {outcome.label or outcome.column} ({facts.groups[1]} = positive). {made} Patients "
        f"with a reason for exclusion in the cohort table were left out.{_ran(facts, 'cohort')}"
    )


def _prepare_method(facts: Facts) -> str:
    steps = [_prepare_step(step) for step in facts.protocol.prepare]
    if not steps:
        return "Image preparation. Images were used as acquired, without bias-field or intensity correction."
    return f"Image preparation. Every volume went through, in this order: {'; '.join(steps)}.{_ran(facts, 'prepare')}"


def _prepare_step(step: Any) -> str:
    if step.n4 is not None:
        shrink = step.n4.shrink if isinstance(step.n4.shrink, int) else " x ".join(map(str, step.n4.shrink))
        return (
            f"N4 bias-field correction (Otsu foreground mask of 200 bins, shrink factor {shrink}, at most "
            f"{listed([str(n) for n in step.n4.iterations])} iterations on {len(step.n4.iterations)} levels, convergence "
            f"{step.n4.convergence:g}, cubic B-splines on 4 x 4 x 4 control points at the first level, histogram of 200 "
            "bins, FWHM 0.15, Wiener noise 0.01), its field divided out at full resolution"
        )
    if step.rescale is not None:
        source = step.rescale.from_
        window = (
            "the volume's minimum and maximum"
            if source == "minmax"
            else f"its {source[0]:g}th and {source[1]:g}th percentiles"
        )
        return f"linear rescaling of {window} to {step.rescale.to[0]:g} and {step.rescale.to[1]:g}"
    return f"z-score normalisation over the whole volume, times {step.zscore.scale:g}"


def _extract_method(facts: Facts) -> str:
    extract = facts.protocol.extract
    cohort = facts.protocol.cohort
    found = facts.documents.get("extract/summary.json")
    count = f" ({found['explained']})" if found else ""
    readers = f"masks of {facts.protocol.reader} trained and tested the models"
    if len(cohort.readers) > 1:
        readers += f"; those of {listed(list(cohort.readers[1:]))} served the agreement between readers only"
    if extract.params:
        return (
            f"Segmentation and features. The {readers}. Features{count} were computed with the settings of the PyRadiomics "
            f"parameter file '{extract.params}'; all of them are listed below.{_ran(facts, 'extract')}"
        )
    images = ["the original image"] if extract.images.original else []
    if sigmas := extract.images.log_sigma_mm:
        images.append(f"Laplacian-of-Gaussian images (sigma {listed([f'{s:g}' for s in sigmas])} mm)")
    if extract.images.wavelet:
        images.append(f"the eight sub-bands of a stationary wavelet transform ({extract.images.wavelet})")
    spacing = (
        f"resampled to {' x '.join(f'{s:g}' for s in extract.spacing_mm)} mm (image by B-spline, mask by nearest neighbour)"
        if extract.spacing_mm
        else "not resampled"
    )
    bins = f"bins of width {extract.bin_width:g}" if extract.bin_width is not None else f"{extract.bin_count} bins"
    return (
        f"Segmentation and features. The {readers}. Lesions were {spacing}, cropped with a margin of "
        f"{plural(extract.pad_voxels, 'voxel')} (Laplacian-of-Gaussian values depend on it) and discretised into {bins}. "
        f"Features{count}, defined and named as in PyRadiomics 3.0.1, were computed on {listed(images)}. Lesions of fewer "
        f"than {extract.minimum_native_voxels} voxels as drawn or {extract.minimum_voxels} after resampling were refused."
        f"{_ran(facts, 'extract')}"
    )


def _agree_method(facts: Facts) -> str:
    icc = facts.protocol.agree.icc
    if icc is None or len(facts.protocol.cohort.readers) < 2:
        why = "the study file asks for none" if icc is None else "one reader drew the lesions"
        return f"Reproducibility. No feature was filtered by the agreement between readers: {why}."
    forms = {
        "ICC(1,1)": "one-way random effects",
        "ICC(2,1)": "two-way random effects, absolute agreement, single measure",
        "ICC(3,1)": "two-way mixed effects, consistency, single measure",
    }
    who = (
        "all lesions that every reader drew; testing patients' features, never their outcomes, took part"
        if icc.patients == "all"
        else "the training set's lesions that every reader drew"
    )
    return (
        f"Reproducibility. Features with an intraclass correlation {icc.form} ({forms[icc.form]}) above {icc.above:g} "
        f"were kept, on {who}.{_ran(facts, 'agree')}"
    )


def _select_method(facts: Facts) -> str:
    steps = [_select_step(step) for step in facts.protocol.model.select]
    models = facts.protocol.model.models
    text = f"Feature selection, on training rows alone, in this order: {'; '.join(steps)}."
    if pooled := [name for name, model in models.items() if model.pool]:
        text += f" {listed(pooled)} pooled the features that their single models had selected and reduced them again by the trees."
    if added := [name for name, model in models.items() if model.add]:
        text += f" {listed(added)} put the features of their parts side by side, none dropped."
    for name, model in models.items():
        if model.clinical:
            text += (
                f" {name}: candidates with p < {model.clinical.univariate_below:g} in a univariate logistic regression "
                "(likelihood-ratio test, training set) entered a multivariable one."
            )
    return text + _ran(facts, "model")


def _select_step(step: Any) -> str:
    if step.impute:
        return "features not defined for a lesion took the training median"
    if step.standardise:
        return "z-score with the training mean and standard deviation"
    if step.collinear:
        return (
            f"of any two features with an absolute Pearson correlation above {step.collinear.above:g} the one with the "
            "higher training |AUC - 0.5| stayed (greedy, ties by name)"
        )
    if step.univariate:
        test = {"mann-whitney": "Mann-Whitney U test", "student": "Student's t-test"}[step.univariate.test]
        return f"features with p < {step.univariate.below:g} in a {test} stayed (not adjusted for their number)"
    trees = step.boosted_trees
    keep = (
        listed([f"{count} ({name})" for name, count in trees.keep.items()])
        if isinstance(trees.keep, dict)
        else str(trees.keep)
    )
    return (
        f"the most important features of gradient-boosted decision trees stayed, at most {keep} (impurity importance; "
        f"{trees.trees} trees of depth {trees.depth}, learning rate {trees.learning_rate:g}, subsample "
        f"{trees.subsample:g})"
    )


def _fit_method(facts: Facts) -> str:
    logistic = facts.protocol.model.fit.logistic
    return (
        f"Models. Logistic regression with a ridge (L2) penalty; its strength was the one of {logistic.strengths} "
        f"(C from 1e-4 to 1e4, log-spaced) with the lowest log-loss in {logistic.folds}-fold cross-validation of the "
        f"training set, stratified by outcome, lesions of one patient in one fold (seed {facts.protocol.seed}). The folds "
        "chose the penalty only: features had been selected on all training rows before, so this cross-validation "
        "estimates no performance. A row that lacks a sequence or a clinical variable that a model needs was left out of "
        f"that model, never imputed.{_ran(facts, 'model')}"
    )


_CONTINUOUS = {
    "student": "Student's t-test",
    "welch": "Welch's t-test",
    "mann-whitney": "the Mann-Whitney U test",
    "auto-spss": "Student's t-test, Welch's t-test or the Mann-Whitney U test, as normality (Kolmogorov-Smirnov with "
    "Lilliefors' correction, per group) and equality of variances (Levene) allowed",
}


def _evaluate_method(facts: Facts) -> str:
    evaluate = facts.protocol.evaluate
    adjusted = (
        "raw and with Holm's correction over all pairs of a set"
        if evaluate.compare.adjust == "holm"
        else "without correction for their number"
    )
    return (
        f"Statistics. Groups were compared by {_CONTINUOUS[evaluate.continuous]} (continuous) and by Pearson's chi-square "
        "without continuity correction where n was at least 40 and every expected count at least 5, else by Fisher's exact "
        "test (Freeman-Halton for more than two columns); levels that nobody has were left out. The area under the ROC "
        f"curve (AUC) has {100 * evaluate.interval.level:g}% confidence intervals by {INTERVALS[evaluate.interval.auc]}, "
        f"proportions by {evaluate.interval.proportion.title()}. The cut-off was the probability with the largest Youden "
        "index in the training set (of equals the lowest), applied unchanged to the testing set. AUCs of two models were "
        f"compared by DeLong's paired test on the rows that both can use, {adjusted}. All tests were two-sided."
        f"{_ran(facts, 'evaluate')}"
    )


def _software_method(facts: Facts) -> str:
    for step in ("evaluate", "model", "extract", "prepare", "cohort"):
        record = facts.documents.get(f"{step}/{PROVENANCE}")
        if record:
            used = record["versions"]
            libraries = [f"{n} {v}" for n, v in used.items() if n not in ("radstudy", "python", "platform")]
            return (
                f"Software. radstudy {used['radstudy']} on Python {used['python']} ({used['platform']}), with "
                f"{listed(libraries)}."
            )
    return "Software. No step has run to its end, so no version is known."


# --- notes -----------------------------------------------------------------------------------------------------


def cohort_notes(facts: Facts) -> list[str]:
    """What a reader should know about how the cohort table was read."""
    return [str(note) for note in facts.document("cohort/notes.json")]


def count_explained(facts: Facts) -> list[str]:
    """How the number of features comes about."""
    found = facts.document("extract/summary.json")
    return [f"Features of one lesion on one sequence: {found['explained']}."]


def signature_note(facts: Facts) -> list[str]:
    """Which model went into signature.json."""
    found = facts.document("signature.json")
    count = len(found["formula"]["terms"])
    cutoff = found["cutoff"]
    shown = number(cutoff) if isinstance(cutoff, float) and math.isfinite(cutoff) else str(cutoff)
    return [
        f"signature.json holds {found['model']} ({plural(count, 'feature')}, cut-off {shown}, needs "
        f"{listed([*found['sequences'], *(facts.label_of(v) for v in found['clinical'])])}), the model that the study "
        "file names. It is for research: nothing here makes it fit for decisions about patients."
    ]


TEXTS: dict[str, Callable[[Facts], list[str]]] = {
    "methods": methods,
    "cohort_notes": cohort_notes,
    "count_explained": count_explained,
    "signature_note": signature_note,
}
