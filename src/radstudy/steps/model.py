"""Step 5, model: select features and fit every model, on training rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from radstudy.modelling.clinical import ClinicalScreen
from radstudy.modelling.design import refuse_gaps
from radstudy.modelling.funnel import DROPPED, FUNNEL, FUNNEL_OF_SEQUENCES, dropped, funnel, funnel_of_sequences
from radstudy.modelling.models import (
    CLASSIFIER,
    LinearForm,
    build,
    clinical_of,
    leaves,
    linear_form,
    sequences_of,
)
from radstudy.modelling.selection.ranking import RankedFilter
from radstudy.modelling.validation import TooFewError
from radstudy.protocol import Protocol
from radstudy.signature.document import make_signature, write_signature
from radstudy.steps.design import read_design
from radstudy.steps.run import Run, stacked
from radstudy.store import file_hash, read_csv, read_json, write_csv, write_json
from radstudy.table import SEPARATOR, FeatureTable

STEP = "model"


def do_model(run: Run) -> None:
    """Fit the models of the study file; write their formulas, selections, predictions and signatures."""
    settings = {
        "model": run.protocol.model.model_dump(mode="json", by_alias=True),
        "seed": run.protocol.seed,
        "cutoff": run.protocol.evaluate.cutoff.model_dump(mode="json"),  # of the signatures
        "clinical": [variable.model_dump(mode="json") for variable in run.protocol.cohort.clinical.values()],
    }
    inputs = {"agree": run.key_of("agree"), "rows": file_hash(run.path("cohort", "rows.csv"))}
    with run.step(STEP, settings=settings, inputs=inputs) as due:
        if due:
            _model(run)


def _model(run: Run) -> None:
    protocol = run.protocol
    (run.out / "signature.json").unlink(missing_ok=True)  # of another choice of models
    design = read_design(run)
    before = _before_selection(design.features, design.reproducible)
    fitted = [
        _fit(run, name, design.rows, design.table, design.usable[name])
        for name in run.bar(protocol.model.models, len(protocol.model.models), "models")
    ]
    write_json(run.path(STEP, "models.json"), {item["model"]: item["facts"] for item in fitted})
    for name, columns in _COLUMNS.items():
        parts = [pd.DataFrame(item.get(name, []), columns=list(columns)) for item in [before, *fitted]]
        write_csv(run.path(STEP, f"{name}.csv"), stacked(parts, columns))


_COLUMNS: dict[str, tuple[str, ...]] = {
    "funnel": FUNNEL,
    "funnel_sequences": FUNNEL_OF_SEQUENCES,
    "dropped": DROPPED,
    "features": ("model", "feature", "imputation", "centre", "scale", "coefficient", "training_low", "training_high"),
    "predictions": ("patient", "lesion", "set", "outcome", "model", "probability"),
    "clinical_screen": ("model", "variable", "p_value", "kept"),
}


def _fit(run: Run, name: str, rows: pd.DataFrame, design: pd.DataFrame, usable: pd.Series) -> dict[str, Any]:
    """Fit one model; everything the step writes about it."""
    protocol = run.protocol
    training = usable & (rows["set"] == "training")
    facts: dict[str, Any] = {
        "sequences": sequences_of(protocol, name),
        "clinical": clinical_of(protocol, name),
        "training_rows": int(training.sum()),
        "testing_rows": int((usable & (rows["set"] == "testing")).sum()),
        "not_used": int((~usable).sum()),
    }
    fit = protocol.model.fit_of(name)
    facts |= {"classifier": fit.word, "like": protocol.model.models[name].like}
    outcome = rows.loc[training, "outcome"]
    if why := _why_not(outcome) or _no_features(protocol, facts["sequences"], design):
        return _not_fitted(name, facts, why)
    refuse_gaps(protocol, name, design[usable])
    pipeline = build(protocol, name)
    patients = design[training].index.get_level_values("patient")
    try:
        pipeline.fit(design[training], outcome, **{f"{CLASSIFIER}__groups": patients})
    except TooFewError as error:
        return _not_fitted(name, facts, str(error))
    form = linear_form(pipeline, design[training])
    selected = [str(column) for column in pipeline[:-1].get_feature_names_out()]
    used = selected if form is None else [term.name for term in form.terms]
    facts |= {"fitted": True, "intercept": form and form.intercept, "empty": not used, **_chosen(pipeline)}
    facts["note"] = "" if used else "no feature survived the selection: the model is its intercept"
    # by the formula where there is one, to the last digit what `predict` gives: the cut-off is one of these
    predicted = pipeline.predict_proba(design[usable])[:, 1] if form is None else form.probability(design[usable])
    probability = pd.Series(predicted, index=design.index[usable])
    if form is not None:
        signature = make_signature(
            protocol, name, form, rows=rows[training], design=design[training],
            probability=probability[training[usable]], **_prepared(run),
            extraction=run.extraction if protocol.features is None else None,
        )  # fmt: skip
        write_signature(signature, run.path(STEP, "signatures", f"{slug(name)}.json"))
        if name == protocol.signature_model:
            write_signature(signature, run.out / "signature.json")
    return {
        "model": name,
        "facts": facts,
        "funnel": funnel(name, pipeline),
        "funnel_sequences": funnel_of_sequences(name, pipeline),
        "dropped": dropped(name, pipeline),
        "features": _features(name, form) if form else _without_coefficients(name, selected, design[training]),
        "predictions": [
            (*index, rows.at[index, "set"], rows.at[index, "outcome"], name, value)
            for index, value in probability.items()
        ],
        "clinical_screen": _screen(name, pipeline),
    }


def _prepared(run: Run) -> dict[str, pd.DataFrame | None]:
    """What the preparation has written of the images and of the first reader's lesions; None without images."""
    files = {name: run.path("prepare", f"{name}.csv") for name in ("volumes", "lesions")}
    text = dict.fromkeys(("patient", "lesion", "sequence", "reader"), str)
    there = {name: run.protocol.features is None and file.exists() for name, file in files.items()}
    found = {
        name: read_csv(file, dtype=text, keep_default_na=False, na_values=[""]) if there[name] else None
        for name, file in files.items()
    }
    lesions = found["lesions"]
    return {**found, "lesions": None if lesions is None else lesions[lesions["reader"] == run.protocol.reader]}


def _before_selection(features: FeatureTable, reproducible: Mapping[str, list[str]]) -> dict[str, Any]:
    """The funnel above every model: features that each sequence has, and those that the readers reproduce."""
    rows: list[tuple[Any, ...]] = []
    for sequence, kept in reproducible.items():
        of_sequence = features.frame.index.get_level_values("sequence") == sequence
        known = int(features.frame[of_sequence].notna().any().sum())
        rows += [("", "", -1, "extract", sequence, known, known), ("", "", 0, "agree", sequence, known, len(kept))]
    return {"funnel_sequences": rows}


def _no_features(protocol: Protocol, sequences: Sequence[str], design: pd.DataFrame) -> str:
    """Why a model has nothing to select from, or ""."""
    there = {column.split(SEPARATOR)[0] for column in map(str, design.columns)}
    without = [name for name in sequences if name not in there]
    if not without:
        return ""
    filtered = protocol.agree.icc is not None and len(protocol.cohort.readers) > 1
    return f"no feature of {', '.join(without)} has {'passed the reproducibility filter' if filtered else 'a value'}"


def _why_not(outcome: pd.Series[int]) -> str:
    if outcome.nunique() < 2 or outcome.value_counts().min() < 2:
        return "the training rows that this model can use have fewer than two patients in a class"
    return ""


def _not_fitted(name: str, facts: dict[str, Any], why: str) -> dict[str, Any]:
    return {
        "model": name,
        "facts": {**facts, "fitted": False, "note": f"not fitted: {why}"},
        **{key: [] for key in _COLUMNS},
    }


def _chosen(pipeline: Pipeline) -> dict[str, Any]:
    """What the folds chose: the settings of the classifier, and the sizes of the steps that found theirs."""
    classifier = pipeline.named_steps[CLASSIFIER]
    chosen = {name: getattr(classifier, found) for name, found in _CHOSEN.items() if hasattr(classifier, found)}
    sizes = {
        "/".join(part for part in path if part != "features"): step.size_
        for path, step in leaves(pipeline)
        if isinstance(step, RankedFilter) and step.losses_.size
    }
    return {"C": None, **chosen, "settings": getattr(classifier, "chosen_", {}), "sizes": sizes}


def fitted_models(run: Run) -> dict[str, dict[str, Any]]:
    """The models that could be fitted, and what is known of each."""
    facts = read_json(run.path(STEP, "models.json"))
    return {name: facts[name] for name in run.protocol.model.models if facts[name]["fitted"]}


def read_predictions(run: Run) -> pd.DataFrame:
    """The models' probabilities: one row a (patient, lesion, set, model)."""
    text = dict.fromkeys(("patient", "lesion", "set", "model"), str)
    return read_csv(run.path(STEP, "predictions.csv"), dtype=text, keep_default_na=False)


_CHOSEN = {"C": "C_", "mix": "mix_", "strength": "strength_"}


def slug(name: str) -> str:
    """A model's name as part of a file's name."""
    return "".join(sign if sign.isalnum() or sign in "-+_." else "-" for sign in name)


def _features(name: str, form: LinearForm) -> list[tuple[Any, ...]]:
    return [
        (name, term.name, term.imputation, term.centre, term.scale, term.coefficient, *term.training_range)
        for term in form.terms
    ]


def _without_coefficients(name: str, selected: list[str], training: pd.DataFrame) -> list[tuple[Any, ...]]:
    """The features of a model that is no formula: their names and training ranges alone."""
    lowest, highest = training[selected].min(), training[selected].max()
    return [(name, feature, None, None, None, None, lowest[feature], highest[feature]) for feature in selected]


def _screen(name: str, pipeline: Pipeline) -> list[tuple[Any, ...]]:
    return [
        (name, variable, p_value, p_value < step.below)
        for path, step in leaves(pipeline)
        if isinstance(step, ClinicalScreen)
        for variable, p_value in step.p_values_.items()
    ]
